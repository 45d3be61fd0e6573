"""The software bill of materials: CycloneDX, of every package that is locked for running.

    python -m tests.dependencies.sbom

Writes build/sbom.json, the same bytes for the same lock file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ri_report import __version__

TOP = Path(__file__).resolve().parents[2]
LOCK = TOP / "requirements.lock"
TARGET = TOP / "build" / "sbom.json"
PROGRAM = Path(sys.executable).with_name("cyclonedx-py")
PACKAGE = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def bill(program: Path = PROGRAM, lock: Path = LOCK) -> dict[str, Any]:
    """Return the bill of what a lock file names; the program checks it against its schema."""
    options = ("--output-reproducible", "--validate", "--of=JSON", "--pyproject=pyproject.toml")
    made = subprocess.run(
        [program, "requirements", *options, lock], check=True, stdout=subprocess.PIPE, cwd=TOP
    )
    found: dict[str, Any] = json.loads(made.stdout)
    # The project's version is not in pyproject.toml, which is all that the program reads of it.
    found["metadata"]["component"]["version"] = __version__
    return found


def differences(bill: dict[str, Any], lock: str) -> list[str]:
    """Return every package and version that only the bill or only the lock file names."""
    locked = Counter(PACKAGE.findall(lock))
    named = Counter((each["name"], each.get("version", "")) for each in bill["components"])
    absent = [f"{name} {version} is locked but not in the bill" for name, version in locked - named]
    strange = [
        f"{name} {version} is in the bill but not locked" for name, version in named - locked
    ]
    return sorted(absent + strange)


def main() -> None:
    """Write the bill, or end with what is wrong with it."""
    made = bill()
    if wrong := differences(made, LOCK.read_text(encoding="utf-8")):
        sys.exit("\n".join(wrong))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET.relative_to(TOP)}: {len(made['components'])} packages\n")


if __name__ == "__main__":
    main()
