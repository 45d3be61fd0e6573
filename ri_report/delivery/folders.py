"""Folders that appear under their name only when they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a private folder of these files; an older one of that name gives way when it is whole.

    Files are 0600 in a folder 0700. A crash at any moment leaves the old folder, the new one, or
    the old one beside it as `.NAME.old`, which the next call puts back or sweeps.
    """
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = folder.with_name(f".{folder.name}.old")
    _recover(folder, aside)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new.", dir=folder.parent))
    try:
        for name, content in files.items():
            _write(fresh / name, content)
        _sync(fresh)
        if folder.exists():
            folder.rename(aside)
        fresh.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        _recover(folder, aside)


def _recover(folder: Path, aside: Path) -> None:
    """Put the old folder back where no new one stands; sweep what a crash left."""
    if aside.exists() and not folder.exists():
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    for leftover in folder.parent.glob(f".{folder.name}.new.*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
