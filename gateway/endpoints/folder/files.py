"""The file system as exchange folders need it; nothing else here calls it.

What only POSIX has (O_NOFOLLOW, syncing a folder) is asked for where it is there. A sharing
violation (Windows: somebody has the file open) is waited out for a moment, then told as Busy.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from gateway.endpoints.folder.counter import Seen

T = TypeVar("T")

#: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION.
_SHARING = frozenset({32, 33})
#: Besides, ERROR_ACCESS_DENIED: what renames onto an open file, or a folder of one, is told.
MOVING = _SHARING | {5}
_BUSY = frozenset({errno.EBUSY, errno.ETXTBSY})
#: ERROR_NOT_SAME_DEVICE.
_OTHER_DEVICE = 17
#: Never follow a link, never wait for a FIFO, never translate line ends.
_READ = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_WRITE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_CHUNK = 1 << 20


class Busy(Exception):
    """Somebody else has the file open; later it may work."""


class Unusual(Exception):
    """Not an ordinary file, or larger than may be read; the text says which, in German."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a folder."""

    #: Ordinary files.
    files: tuple[Seen, ...]
    #: Everything's name.
    names: frozenset[str]
    #: Links, FIFOs, devices and sockets.
    unusual: int


def patiently(work: Callable[[], T], *, held: frozenset[int] = _SHARING) -> T:
    """Do something that another program may prevent for a moment; raises Busy when it stays so.

    `held` are the Windows errors that say so.
    """

    def is_busy(error: BaseException) -> bool:
        return isinstance(error, OSError) and (
            getattr(error, "winerror", None) in held or error.errno in _BUSY
        )

    try:
        return Retrying(
            stop=stop_after_attempt(4),
            wait=wait_random_exponential(multiplier=0.05, max=0.4),
            retry=retry_if_exception(is_busy),
            reraise=True,
        )(work)
    except OSError as error:
        if is_busy(error):
            raise Busy from error
        raise


def look(folder: Path) -> Listing:
    """Read a folder. Raises OSError."""
    files, names, unusual = [], set(), 0
    with os.scandir(folder) as entries:
        for entry in entries:
            names.add(entry.name)
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(found.st_mode) and not entry.is_symlink():
                files.append(Seen(entry.name, found.st_size, found.st_mtime_ns))
            elif not stat.S_ISDIR(found.st_mode):
                unusual += 1
    return Listing(tuple(files), frozenset(names), unusual)


def reach(folder: Path) -> None:
    """Make sure that a folder is there. Raises OSError when it is not."""
    if not stat.S_ISDIR(folder.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "no folder")


def may_write(folder: Path) -> bool:
    """Tell whether files may be made and renamed in a folder, as far as the system says."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=effective)


def folders(folder: Path) -> Iterator[Path]:
    """Yield the folders inside a folder that are no links."""
    with os.scandir(folder) as entries:
        found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    yield from (folder / name for name in sorted(found))


def make(folder: Path) -> None:
    """Make a folder where there is none. Raises Unusual when something else is in its place."""
    folder.mkdir(parents=True, exist_ok=True)
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise Unusual("Ein Arbeitsordner ist eine Verknüpfung statt eines Ordners.")


def read(path: Path, limit: int) -> bytes:
    """Read an ordinary file of at most `limit` bytes.

    Raises Unusual for links, FIFOs, devices, files with a second name, and larger ones; OSError.
    """
    return b"".join(chunks(path, limit))


def chunks(path: Path, limit: int) -> Iterator[bytes]:
    """Read an ordinary file piece by piece; raises as `read` does, when it is asked for a piece."""
    with os.fdopen(_opened(path), "rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise Unusual("Das ist keine gewöhnliche Datei.")
        size = found.st_size
        while size <= limit and (data := file.read(_CHUNK)):
            yield data
            size = max(size, file.tell())
    if size > limit:
        raise Unusual(f"Die Datei ist größer als die erlaubten {limit} Bytes.")


def _opened(path: Path) -> int:
    try:
        return patiently(lambda: os.open(path, _READ))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise Unusual("Das ist keine gewöhnliche Datei.") from error
        if isinstance(error, PermissionError):
            raise Unusual("Die Datei darf vom Gateway nicht gelesen werden.") from error
        raise


def write(path: Path, data: bytes) -> None:
    """Write a file and have it on the disk, contents and name. Raises OSError."""
    descriptor = os.open(path, _WRITE | os.O_TRUNC, 0o660)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    _sync(path.parent)


def create(path: Path, data: bytes) -> bool:
    """Write a file if there is none of this name; say whether there was none."""
    try:
        descriptor = os.open(path, _WRITE | os.O_EXCL, 0o660)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    return True


def move(source: Path, target: Path) -> None:
    """Rename on one file system, in the place of what is there; on the disk when it returns.

    Raises Busy; FileNotFoundError when somebody else was quicker; OSError.
    """
    patiently(lambda: source.replace(target), held=MOVING)
    _sync(target.parent)
    if source.parent != target.parent:
        _sync(source.parent)


def move_far(source: Path, target: Path) -> None:
    """Move a file to a folder that may lie on another file system."""
    try:
        move(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV and getattr(error, "winerror", None) != _OTHER_DEVICE:
            raise
        _copy(source, target)
        remove(source)


def _copy(source: Path, target: Path) -> None:
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    with os.fdopen(os.open(source, _READ), "rb") as old:
        new = os.open(part, _WRITE | os.O_TRUNC, 0o660)
        with os.fdopen(new, "wb") as copy:
            while chunk := old.read(_CHUNK):
                copy.write(chunk)
            copy.flush()
            os.fsync(new)
    move(part, target)


def remove(path: Path) -> None:
    """Delete a file; one that is gone is fine. Raises Busy and OSError."""
    patiently(lambda: path.unlink(missing_ok=True))
    _sync(path.parent)


def remove_folder(folder: Path) -> bool:
    """Delete a folder; say whether it was empty or gone."""
    try:
        patiently(folder.rmdir)
    except FileNotFoundError:
        return True
    except (OSError, Busy):
        return False
    return True


def touch(path: Path) -> None:
    """Give a sign of life. Raises FileNotFoundError when it is gone."""
    os.utime(path)


def seconds_old(path: Path, now: float) -> float:
    """Say how long ago a file or folder changed, by the clock of its own file system."""
    return now - path.lstat().st_mtime


def seen(path: Path) -> Seen:
    """Look at one file. Raises OSError."""
    found = path.lstat()
    return Seen(path.name, found.st_size, found.st_mtime_ns)


def present(path: Path) -> bool:
    """Tell whether anything has this name."""
    return os.path.lexists(path)


def clock(folder: Path) -> float:
    """Return the present time of the file system a folder is on, in seconds.

    Leases are compared by it: machines that share a folder need not agree on the time.
    """
    file = folder / "clock"
    with os.fdopen(os.open(file, _WRITE | os.O_TRUNC, 0o660), "wb") as ticking:
        ticking.write(b".")
    return file.lstat().st_mtime


def _sync(folder: Path) -> None:
    """Have the names of a folder on the disk, where folders can be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems do not sync folders; they write names at once.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
