"""The README's table of what is proven counts the cases that there are."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
TEXTS = sorted(Path(__file__).with_name("conformance").glob("*.txt"))


def test_the_readme_counts_every_worked_example() -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| AWS's page | cases |")[2].partition("\n\n")[0]
    counted = sum(int(cases) for cases in re.findall(r"\| (\d+) \|", table))
    texts = [text.read_text(encoding="utf-8") for text in TEXTS]
    assert counted == sum(len(re.findall(r"^# ", text, re.MULTILINE)) for text in texts) > 0
