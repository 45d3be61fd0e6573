"""Folders of files that appear whole or not at all, and for their owner's eyes only."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ri_report.delivery.leftovers import aside, fresh_prefix, recover
from ri_report.errors import ConfigError, explained

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def check_writable(folder: Path) -> None:
    """Refuse a folder that files could not be written to, before any work is done for them.

    The folder itself may be missing; what it lies in may not.

    Raises:
        ConfigError: it is a symbolic link or no folder, it lies in a folder that does not exist,
            or nothing can be written there.
    """
    check_place(folder)
    place = folder if folder.exists() else folder.absolute().parent
    with explained(folder), tempfile.TemporaryFile(dir=place) as file:
        file.write(b"?")
        file.flush()
        os.fsync(file.fileno())


def check_place(folder: Path) -> None:
    """Refuse a folder that is none, or that could not be made; writes nothing.

    Raises:
        ConfigError: it is a symbolic link or no folder, or lies in a folder that does not exist.
    """
    _refuse_strange(folder)
    parent = folder.absolute().parent
    if not folder.is_dir() and not parent.is_dir():
        raise ConfigError(
            f"folder {folder}: {parent} does not exist; create it, or choose another folder"
        )


def replace_folder(
    folder: Path, files: Mapping[str, bytes], *, owned: Collection[str] | None = None
) -> list[Path]:
    """Make a private folder of these files; an older one of that name gives way when it is whole.

    Files are 0600; the folder, and those above it that are made, are 0700. A crash at any moment
    leaves the old folder, the new one, or the old one beside it as `.NAME.old`, which the next
    call puts back or sweeps.

    Args:
        folder: The folder; those above it are made when missing.
        files: Content by name relative to the folder, with `/` between its parts.
        owned: Names directly inside the folder that these files replace as a set; everything else
            in an older folder is carried over. None: nothing is.

    Returns:
        The paths, in the order of `files`.

    Raises:
        ConfigError: the name is taken by a file or a symbolic link, or the disk is full or fails;
            the old folder is then as it was.
        ValueError: a name leads out of the folder, which is a mistake of the program.
    """
    targets = [folder / _safe(name) for name in files]
    with fresh_folder(folder, owned=owned) as fresh:
        for name, content in files.items():
            _write(fresh / name, content)
    return targets


@contextlib.contextmanager
def fresh_folder(folder: Path, *, owned: Collection[str] | None = None) -> Iterator[Path]:
    """Give a private folder to fill, which takes the place of `folder` when the block ends well.

    What the block writes ends 0600 in folders of 0700, whatever the umask. When the block fails,
    nothing changes. A crash at any moment leaves the old folder, the new one, or the old one
    beside it as `.NAME.old`, which the next call puts back or sweeps.

    Args:
        folder: The folder; those above it are made when missing.
        owned: Names directly inside the folder that the block writes anew as a set; everything
            else in an older folder is carried over, and is in the folder to fill. None: nothing is.

    Yields:
        The folder to fill, beside the one whose place it takes.

    Raises:
        ConfigError: the name is taken by a file or a symbolic link, or the disk is full or fails,
            also inside the block; the old folder is then as it was.
    """
    with explained(folder):
        _make(folder.parent)
        _refuse_strange(folder.parent)
        _refuse_strange(folder)
        recover(folder)
        others = [] if owned is None else _others(folder, owned)
        fresh = Path(tempfile.mkdtemp(prefix=fresh_prefix(folder), dir=folder.parent))
        try:
            for path in others:
                _copy(path, fresh / path.name)
            yield fresh
            _make_private(fresh, {path.name for path in others})
            _put(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            recover(folder)


def _put(fresh: Path, folder: Path) -> None:
    _flush(fresh)
    if folder.exists():
        folder.rename(aside(folder))
    fresh.rename(folder)
    _flush_one(folder.parent)


def _make_private(folder: Path, carried_over: Collection[str]) -> None:
    """Let nobody but the owner at what is in a folder; what was carried over is as it was."""
    for path in folder.iterdir():
        if path.is_symlink() or path.name in carried_over:
            continue
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
        if path.is_dir():
            _make_private(path, ())


def _others(folder: Path, owned: Collection[str]) -> list[Path]:
    """Return what is carried over: everything but what is owned."""
    if not folder.exists():
        return []
    return [path for path in folder.iterdir() if path.name not in owned]


def _copy(path: Path, target: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target, follow_symlinks=False)


def _write(path: Path, content: bytes) -> None:
    _make(path.parent)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
        file.write(content)


def _flush(folder: Path) -> None:
    """Flush every file to disk, and every folder's entries, so that they outlast a power cut."""
    for place, _, names in os.walk(folder):
        files = [Path(place, name) for name in names]
        for path in (*(path for path in files if not path.is_symlink()), Path(place)):
            _flush_one(path)


def _flush_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(folder: Path) -> None:
    """Make the folder and every missing one above it, all private; mkdir would make only one so."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(FOLDER_MODE)


def _refuse_strange(folder: Path) -> None:
    try:
        # Asked once: between two questions another run could take an empty folder away.
        mode = folder.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISLNK(mode):
        raise ConfigError(
            f"folder {folder} is a symbolic link to {folder.resolve()}; nothing is written through"
            " links: name the folder itself"
        )
    if not stat.S_ISDIR(mode):
        raise ConfigError(f"folder {folder} is a file; move it away, or choose another folder")


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name:
        raise ValueError(f"not a name inside a folder: {name!r}")
    return path
