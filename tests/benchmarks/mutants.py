"""Mutants: how many wrong versions of the rules the tests notice, `make mutants`.

mutmut writes the wrong versions, each with one small change, beside every function. Its own `run`
starts pytest anew for each of thousands. Here the tests are collected once, and each mutant is
tried in a fork of that process, on the tests that reach its function, until one fails.
`mutmut results` and `mutmut show NAME` tell of what was found.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import signal
import sys
import time
from collections import Counter, defaultdict
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

# mutmut lives in an environment of its own, with few dependencies shared.
import mutmut.__main__ as mutmut  # type: ignore[import-not-found, unused-ignore]
import pytest
from mutmut.state import state  # type: ignore[import-not-found, unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

RULES = Path("ri_report/rules")
SLOW = ("tests/rules/test_real_bill.py", "tests/rules/test_readme_table.py")
UNTESTED, SURVIVED, KILLED, TIMEOUT = 33, 0, 1, 36
"""Exit codes, as mutmut knows them."""
NOTICED = (KILLED, TIMEOUT)
PATIENCE = 20
"""A mutant that takes so many times as long as its tests without it [and seconds] hangs."""

Reach = dict[str, set[str]]
"""Tests by the function that they reach."""


class Trial:
    """A plugin of pytest that, in place of running the tests, tries mutants on them."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Take the options of the command."""
        self.modules: Sequence[str] = options.modules
        self.budget: float = options.budget
        self.children: int = options.children
        self.is_again: bool = options.again

    def pytest_sessionstart(self) -> None:
        """Spare hypothesis the search for the smallest example: a failure is enough."""
        from hypothesis import Phase, settings  # noqa: PLC0415 - once pytest can rewrite it

        settings.register_profile(
            "mutants",
            phases=(Phase.explicit, Phase.generate),
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
        )
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant of every module; print how many were killed."""
        self.items = {item.nodeid: item for item in session.items}
        self.reach, self.seconds = self.unharmed(session)
        print(f"{len(self.items)} tests take {sum(self.seconds.values()):.0f} s")
        totals = Counter[int]()
        for module in self.modules:
            found = self.module(session, module)
            totals.update(found)
            tell(module, found)
        tell("all", totals)
        return True

    def unharmed(self, session: pytest.Session) -> tuple[Reach, dict[str, float]]:
        """Return which tests reach which function, and how long each takes, with no mutant."""
        out, into = os.pipe()
        if os.fork() == 0:
            hush()
            os.environ["MUTANT_UNDER_TEST"] = "stats"
            reach, seconds = defaultdict(set), {}
            for name, item in self.items.items():
                begun = time.perf_counter()
                run(item)
                seconds[name] = time.perf_counter() - begun
                for function in state()._stats:
                    reach[function].add(name)
                state()._stats.clear()
            with os.fdopen(into, "wb") as pipe:
                pickle.dump((dict(reach), seconds, session.testsfailed), pipe)
            os._exit(0)
        os.close(into)
        with os.fdopen(out, "rb") as pipe:
            found, taken, failed = pickle.load(pipe)  # noqa: S301 - from the fork
        os.wait()
        if failed:
            raise pytest.UsageError(f"{failed} tests fail without a mutant")
        return found, taken

    def module(self, session: pytest.Session, module: str) -> Counter[int]:
        """Try the mutants of one module, and keep what became of each where mutmut looks."""
        path = RULES / f"{module}.py.meta"
        told = json.loads(path.read_text())
        before = told["exit_code_by_key"]
        codes = {name: code for name, code in before.items() if self.is_again and code in NOTICED}
        kills, running = Counter[str](), dict[int, tuple[str, int]]()
        for name in sorted(before.keys() - codes.keys()):
            tests = self.chosen(name, module, kills)
            if not tests:
                codes[name] = UNTESTED
                continue
            if len(running) == self.children:
                reap(running, codes, kills)
            out, into = os.pipe()
            child = os.fork()
            if child == 0:
                self.attempt(session, name, tests, into)
            os.close(into)
            running[child] = name, out
        while running:
            reap(running, codes, kills)
        path.write_text(json.dumps(told | {"exit_code_by_key": codes}))
        return Counter(codes.values())

    def chosen(self, mutant: str, module: str, kills: Counter[str]) -> list[str]:
        """Return the tests for a mutant: those that killed most, the module's own, the fastest."""
        function = mutant.rpartition("__mutmut_")[0]
        own, left, tests = f"test_{module}.py", self.budget, []
        for name in sorted(
            self.reach.get(function, ()),
            key=lambda test: (-kills[test], own not in test, self.seconds[test]),
        ):
            cost = self.seconds[name] / (2 if own in name else 1)
            if cost <= left:
                left -= cost
                tests.append(name)
        return tests

    def attempt(
        self, session: pytest.Session, mutant: str, tests: Collection[str], into: int
    ) -> NoReturn:
        """In the fork: run the tests with the mutant until one fails, and name that one."""
        hush()
        signal.alarm(PATIENCE + int(PATIENCE * sum(self.seconds[name] for name in tests)))
        os.environ["MUTANT_UNDER_TEST"] = mutant
        for name in tests:
            try:
                run(self.items[name])
            except BaseException:  # noqa: BLE001 - whatever a mutant may break, it is noticed
                session.testsfailed += 1
            if session.testsfailed:
                os.write(into, name.encode())
                os._exit(KILLED)
        os._exit(SURVIVED)


def run(item: pytest.Item) -> None:
    """Run one test, its fixtures torn down."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def hush() -> None:
    """Let a fork say nothing."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def reap(running: dict[int, tuple[str, int]], codes: dict[str, int], kills: Counter[str]) -> None:
    """Wait for one fork, and keep how it ended and which test it failed."""
    child, status = os.wait()
    name, out = running.pop(child)
    with os.fdopen(out, "rb") as pipe:
        killer = pipe.read().decode()
    if os.WIFSIGNALED(status):
        codes[name] = TIMEOUT if os.WTERMSIG(status) == signal.SIGALRM else KILLED
    else:
        codes[name] = os.WEXITSTATUS(status)
        kills[killer] += codes[name] == KILLED


def tell(name: str, found: Counter[int]) -> None:
    """Print how the mutants of a module ended."""
    mutants, survived = found.total(), found[SURVIVED] + found[UNTESTED]
    killed = mutants - survived
    print(f"{name:<14}{mutants:>6}{killed:>6}{survived:>5}{killed / max(mutants, 1):>8.1%}")
    sys.stdout.flush()


def main() -> int:
    """Write the mutants into the folder `mutants`, and try them there."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = sorted(path.stem for path in RULES.glob("[!_]*.py"))
    parser.add_argument("modules", nargs="*", default=every, help="default: all under rules/")
    parser.add_argument("--budget", type=float, default=8.0, help="seconds of tests for a mutant")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", action="store_true", help="only what survived the last run")
    chosen = parser.parse_args()
    os.environ.setdefault("RI_REPORT_EXAMPLES", "4")
    os.environ["MUTANT_UNDER_TEST"] = "mutant_generation"
    Path("mutants").mkdir(exist_ok=True)
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    with redirect_stdout(io.StringIO()):
        mutmut.create_mutants(chosen.children)
    os.chdir("mutants")
    print(f"{'module':<14}{'mutants':>6}{'killed':>7}{'survived':>9}")
    options = ["--rootdir=.", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-s", "--tb=no"]
    options += ["tests/rules", *(f"--ignore={path}" for path in SLOW)]
    return pytest.main(options, [Trial(chosen)])


if __name__ == "__main__":
    raise SystemExit(main())
