"""What parsing a page of instances costs, with botocore's parser and with the slim one."""

from __future__ import annotations

import gc
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.parsers import ResponseParserFactory

from ri_report.aws.kept import KEPT
from ri_report.aws.parser import SlimParserFactory
from ri_report.inventory.records import instance_rows
from tests.aws.answers import INSTANCES, SHAPES, response, restricted

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 2**20
ACCOUNT = "123456789012"
SHAPE = SHAPES["DescribeInstances"]
FACTORIES = {"botocore's parser": ResponseParserFactory, "slim parser": SlimParserFactory}


def page(instances: int) -> bytes:
    """Return an answer of this many instances, indented as EC2 sends it."""
    begin, end = "<reservationSet>", "</reservationSet>"
    before, _, rest = INSTANCES.partition(begin)
    item, _, after = rest.partition(end)
    items = (item.replace("1234567890abcdef0", f"{number:017x}") for number in range(instances))
    return "".join([before, begin, *items, end, after]).encode()


def parsing(instances: int = 1000) -> None:
    """Time the parsers on one page, hold their results against each other, and weigh them."""
    body = page(instances)
    size = len(body) / instances
    print(f"Parsing a page of {instances:,} instances of {size:,.0f} bytes")
    full, kept = (parse(name, body) for name in FACTORIES)
    about = {"ResponseMetadata": full["ResponseMetadata"]}
    assert kept == restricted(full, KEPT[SHAPE.name]) | about, "the results differ"
    del full
    print(
        f"  {'':<20}"
        + "".join(f"{title:>20}" for title in ("CPU", "heap peak", "heap kept", "resident"))
    )
    costs = [cost(name, body) for name in FACTORIES]
    ratios = [stock / slim for stock, slim in zip(*costs, strict=True)]
    print(f"  {'ratio':<20}" + "".join(f"{ratio:>20.1f}" for ratio in ratios))
    spent = seconds(lambda: instance_rows(kept["Reservations"], ACCOUNT, "eu-west-1"))
    print(f"  the rows of what the slim parser gives: {spent * 1000:.1f} ms\n")


def parse(name: str, body: bytes) -> Any:  # noqa: ANN401 - an answer
    """Parse a page with one of the parsers."""
    return FACTORIES[name]().create_parser("ec2").parse(response(body), SHAPE)


def cost(name: str, body: bytes) -> tuple[float, ...]:
    """Print and return seconds, and MiB at the peak, of the result, and resident."""
    spent = seconds(lambda: parse(name, body))
    peak, kept = heap(lambda: parse(name, body))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        grown = pool.submit(resident, name, body.count(b"<instanceId>")).result()
    sizes = "".join(f"{size:>16.1f} MiB" for size in (peak, kept, grown))
    print(f"  {name:<20}{spent * 1000:>17.1f} ms{sizes}")
    return spent, peak, kept, grown


def seconds(work: Callable[[], Any], runs: int = 7) -> float:
    """Return the shortest processor time of some runs."""
    found = []
    for _ in range(runs):
        gc.collect()
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def heap(work: Callable[[], Any]) -> tuple[float, float]:
    """Return what Python's heap grows by at most, and by what the result holds [MiB]."""
    gc.collect()
    tracemalloc.start()
    result = work()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return peak / MIB, kept / MIB


def resident(name: str, instances: int) -> float:
    """Return what this process grows by at most, with the tree that libxml2 makes [MiB]."""
    body = page(instances)
    parse(name, page(1))
    gc.collect()
    # Resets the peak: https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = status("VmRSS")
    result = parse(name, body)
    grown = status("VmHWM") - before
    del result
    return grown


def status(name: str) -> float:
    """Return a size of this process [MiB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024
