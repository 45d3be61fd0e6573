"""What this machine is and how busy it is, so that figures can be judged."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("botocore", "boto3", "urllib3", "lxml", "pandas", "numpy", "pyarrow")
TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1


def about() -> str:
    """Return machine and versions in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{platform.system()} {platform.release()} {platform.machine()}, {CORES} processors"
        f" ({_model()}), {memory:.0f} GiB; Python {platform.python_version()}, {packages}"
    )


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown")


def load() -> float:
    """Return how many threads wanted a processor in the last minute, on average."""
    return os.getloadavg()[0]


def busy() -> float:
    """Return the processor time that the whole machine has spent since it started [seconds].

    https://man7.org/linux/man-pages/man5/proc_stat.5.html
    """
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, first.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


def processor_seconds(process: int) -> float:
    """Return the processor time of one process, without its children [seconds]."""
    said = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    user, system = map(int, said.rpartition(")")[2].split()[11:13])
    return (user + system) / TICK
