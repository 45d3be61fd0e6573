"""Folders that appear under their name only when they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ri_report.delivery.files import FOLDER_MODE
from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a private folder of these files; an older one of that name gives way when it is whole.

    Files are 0600; the folder, and those above it that are made, are 0700. A crash at any moment
    leaves the old folder, the new one, or the old one beside it as `.NAME.old`, which the next
    call puts back or sweeps.

    Raises:
        ConfigError: the name is taken by a file or a symbolic link, or the disk is full or fails;
            the old folder is then as it was.
    """
    try:
        _make(folder.parent)
        _refuse_strange(folder)
        _replace(folder, files)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(
            f"folder {folder}: cannot be written ({why}); free space or allow writing,"
            " or choose another folder"
        ) from error


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
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


def _refuse_strange(folder: Path) -> None:
    for each in (folder.parent, folder):
        if each.is_symlink():
            raise ConfigError(
                f"folder {each} is a symbolic link to {each.resolve()}; nothing is written through"
                " links: name the folder itself"
            )
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"folder {folder} is a file; move it away, or choose another folder")


def _make(folder: Path) -> None:
    """Make the folder and every missing one above it, all private; mkdir would make only one so."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(FOLDER_MODE)


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
