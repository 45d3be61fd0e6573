"""Files written whole or not at all, and for their owner's eyes only."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER_MODE = 0o700
_PREFIX, _SUFFIX = ".ri-report-", ".tmp"


def check_writable(folder: Path) -> None:
    """Refuse a folder that files could not be written to, before any work is done for them.

    The folder itself may be missing; what it lies in may not.

    Raises:
        ConfigError: it is a symbolic link or no folder, it lies in a folder that does not exist,
            or nothing can be written there.
    """
    _refuse_strange(folder)
    place = folder if folder.exists() else folder.absolute().parent
    if not place.is_dir():
        raise ConfigError(
            f"output folder {folder}: {place} does not exist; create it, or choose another folder"
        )
    with _explained(folder):
        _temporary(place, b"").unlink()


def write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write the files into the folder so that each is there whole, old or new, at any moment.

    Every file is first written beside its place and flushed to disk; only when all of them are
    there do they take the places of the old ones. What an earlier write that was killed left
    behind is swept. Files are readable by their owner only (0600), and so are the folders that
    are made for them (0700).

    Args:
        folder: Where to; it and the folder that it lies in are made when missing.
        files: Content by name relative to the folder, with `/` between its parts.

    Returns:
        The paths, in the order of `files`.

    Raises:
        ConfigError: the folder is refused (see `check_writable`), or the disk is full or fails;
            every old file is then as it was.
        ValueError: a name leads out of the folder, which is a mistake of the program.
    """
    targets = {name: folder / _safe(name) for name in files}
    check_writable(folder.absolute().parent)
    folders = sorted({folder, *(path.parent for path in targets.values())})
    for each in folders:
        _refuse_strange(each)
    with _explained(folder):
        for each in folders:
            _make(each)
            _sweep(each)
        _replace({targets[name]: content for name, content in files.items()})
        for each in folders:
            _flush_folder(each)
    return list(targets.values())


def _replace(contents: Mapping[Path, bytes]) -> None:
    """Write every content beside its place, and then move each into it."""
    waiting: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            waiting[_temporary(path.parent, content)] = path
        for temporary, path in waiting.items():
            temporary.replace(path)
    except BaseException:
        for temporary in waiting:
            temporary.unlink(missing_ok=True)
        raise


def _temporary(folder: Path, content: bytes) -> Path:
    """Write a new file (0600, as mkstemp makes it) and flush it to disk; return its path."""
    handle, name = tempfile.mkstemp(_SUFFIX, _PREFIX, folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _flush_folder(folder: Path) -> None:
    """Flush the folder's entries to disk, so that the new names outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make(folder: Path) -> None:
    """Make the folder and every missing one above it, all private; mkdir would make only one so."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(FOLDER_MODE)


def _sweep(folder: Path) -> None:
    for leftover in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        leftover.unlink(missing_ok=True)


def _refuse_strange(folder: Path) -> None:
    if folder.is_symlink():
        raise ConfigError(
            f"output folder {folder} is a symbolic link to {folder.resolve()}; reports are not"
            " written through links: name the folder itself"
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"output folder {folder} is a file; choose another folder")


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name:
        raise ValueError(f"not a name inside a folder: {name!r}")
    return path


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(
            f"output folder {folder}: cannot write there ({why}); free space or allow writing,"
            " or choose another folder"
        ) from error
