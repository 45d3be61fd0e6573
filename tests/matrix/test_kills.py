"""Row 29: a whole run that is killed at any moment, and what the next one makes of it."""

from __future__ import annotations

import os
import random
import shutil
import signal
from threading import Timer
from typing import TYPE_CHECKING

from ri_report.delivery.lock import only_writer
from ri_report.inventory.attempts import ABOUT, parts_folder
from ri_report.sandbox.dispatch import Sandbox
from tests.inventory.readings import cells_read
from tests.matrix.runs import tree
from tests.matrix.stage import IS_PROOF, KINDS
from tests.matrix.theater import NAME, RESUME, RUN, assert_old_or_new

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ri_report.sandbox.call import CallRecord
    from ri_report.sandbox.wire import Request, Response
    from tests.matrix.theater import Theater

KILLS = 200 if IS_PROOF else 20


def spread(last: int, share: int) -> list[int]:
    """Return numbers from 1 to a last one, evenly spread: a share of all kills."""
    count = min(last, KILLS // share)
    return sorted({1 + (last - 1) * each // max(1, count - 1) for each in range(count)})


def test_a_kill_before_any_change_of_a_file_leaves_old_or_new_and_nothing_to_mend(
    theater: Theater,
) -> None:
    for number in spread(theater.changes, 2):
        folder = theater.place()
        child = theater.runs.start(folder, theater.now.environment, *RUN, dies_at=number)
        assert child.wait().code == -signal.SIGKILL
        assert_whole_and_mended(theater, folder)


def test_a_kill_at_any_moment_leaves_old_or_new_and_nothing_to_mend(theater: Theater) -> None:
    moments = random.Random(29)  # noqa: S311 - to be the same each time
    for _ in range(KILLS // 4):
        folder = theater.place()
        child = theater.runs.start(folder, theater.now.environment, *RUN)
        timer = Timer(moments.uniform(0, theater.seconds), os.kill, (child.pid, signal.SIGKILL))
        timer.start()
        child.wait()
        timer.cancel()
        timer.join()
        assert child.code in {0, -signal.SIGKILL}
        assert_whole_and_mended(theater, folder)


def test_a_kill_at_any_call_leaves_old_or_new_and_nothing_to_mend(
    theater: Theater, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = Sandbox.answer
    for number in spread(theater.calls, 4):
        folder = theater.place()
        left, child = number, theater.runs.start(folder, theater.now.environment, *RUN)

        def deadly(sandbox: Sandbox, request: Request) -> Response:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(child.pid, signal.SIGKILL)  # noqa: B023 - of this turn
            return truth(sandbox, request)

        with monkeypatch.context() as patch:
            patch.setattr(Sandbox, "answer", deadly)
            child.wait()
        assert child.code == -signal.SIGKILL
        assert_whole_and_mended(theater, folder)


def test_a_run_of_another_name_sweeps_what_a_kill_left(theater: Theater) -> None:
    for number in spread(theater.changes, 4):
        folder = theater.place()
        child = theater.runs.start(folder, theater.now.environment, *RUN, dies_at=number)
        assert child.wait().code == -signal.SIGKILL
        with only_writer(folder / "reports"):
            # As every run is, whatever its name.
            pass
        reports = folder / "reports"
        # What may be resumed within the hour no run takes away before.
        assert {*reports.iterdir()} - {parts_folder(reports, NAME)} == {reports / NAME}
        assert not [path for path in (reports / NAME).rglob("*") if path.name.startswith(".")]
        assert_old_or_new(theater, reports)
        shutil.rmtree(folder)


def assert_whole_and_mended(theater: Theater, folder: Path) -> None:
    """What lies there is whole; the next run reads only what is missing, and leaves no trace."""
    assert_old_or_new(theater, folder / "reports")
    parts = parts_folder(folder / "reports", NAME)
    is_begun = (parts / ABOUT).exists()
    kept = cells_read(parts) if is_begun else {}
    ended = theater.run(folder, *(RESUME if is_begun else RUN))
    assert ended.code == 0, ended.err
    assert tree(folder / "reports") == theater.new
    assert [path.name for path in (folder / "reports").iterdir()] == [NAME]
    again = {(call.account_id, cell_of(call)) for call in theater.now.calls}
    assert not again & {(account_id, cell) for account_id in kept for cell in kept[account_id]}
    whole = {account_id for account_id in kept if len(kept[account_id]) == 2 * len(KINDS)}
    assert not whole & {call.account_id for call in theater.now.calls if call.operation in KINDS}
    shutil.rmtree(folder)


def cell_of(call: CallRecord) -> tuple[str, str]:
    """The (region, kind) that a call is about."""
    return call.region, KINDS.get(f"ec2:{call.operation}", "")
