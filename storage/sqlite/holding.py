"""One program holds a database: a lock on a file beside it, which the system drops with the process, however it ends.

The file says who holds it. It stays when it is let go: whoever removed it could remove the lock of the next. A database
may have several names: through symbolic links the file is found beside the real one, and where the system can (Linux),
a byte of the database itself is locked too, so that neither a hard link nor a removed lock file lets a second one in.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from storage.port.errors import StoreError, StoreHeld
from storage.sqlite.filesystem import refuse_network

log = structlog.get_logger()

_EVERY = 0.2
"""Seconds between two attempts."""
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
"""What the system says of a lock that another program has; all else means that there can be none."""
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_BEHIND = 1 << 20
"""Windows locks bytes, and nobody else may read those: one far behind what is written."""
_BYTE = 0x40000000 + 2048
"""Of a database, locked while it is held: in the page that SQLite never uses, behind the bytes that it locks itself.
See https://www.sqlite.org/fileformat2.html#the_lock_byte_page.
"""


class Holder(Struct, frozen=True):
    """Who holds a database: the process, its machine, and since when."""

    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class Holding:
    """A held database, until :meth:`release` or the end of the process."""

    def __init__(self, files: Sequence[int]) -> None:
        self._files = list(files)

    @classmethod
    def take(cls, database: Path, patience: float) -> Holding:
        """Hold a database. Blocks for as long as another program holds it, ``patience`` seconds at most.

        Raises StoreHeld, which says who holds it, and StoreError where the file beside it cannot be written.
        """
        refuse_network(database)
        real = Path(os.path.realpath(database))
        until, told = time.monotonic() + patience, False
        while (files := _attempt(real)) is None:
            if time.monotonic() >= until:
                holder = _holder(real)
                raise StoreHeld(
                    f"{database}: another batchbot holds it ({holder or 'it does not say which'}): stop that one; "
                    "one bot per database. bot.database_wait_seconds is how long a second one waits"
                )
            if not told:
                log.info(
                    "storage.held_by_another", database=str(database), holder=str(_holder(real) or ""), wait=patience
                )
                told = True
            time.sleep(_EVERY)
        told_by = msgspec.json.encode(Holder(os.getpid(), socket.gethostname(), datetime.now(UTC)))
        file = files[0]
        with suppress(OSError):  # on a full disk it is held all the same, and does not say by whom
            os.ftruncate(file, 0)
            os.pwrite(file, told_by, 0) if hasattr(os, "pwrite") else os.write(file, told_by)
        return cls(files)

    def release(self) -> None:
        """Let it go. Once the database is closed: SQLite's own locks of this process go with it."""
        while self._files:
            os.close(self._files.pop())


def lock_of(database: Path) -> Path:
    """The file whose lock is the database's."""
    return database.with_name(f"{database.name}.lock")


def held_by(database: Path) -> str:
    """Who holds a database now, in words; empty where nobody does, or the system knows no such locks.

    Asked by a lock that others may share, and let go of at once: whoever wants to hold it tries more than once.
    """
    if os.name == "nt":  # pragma: no cover - another system
        return ""
    import fcntl  # noqa: PLC0415

    try:
        file = os.open(lock_of(database), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return ""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return str(_read(file) or "a program that does not say which")
    finally:
        os.close(file)
    return ""


def _attempt(database: Path) -> list[int] | None:
    """The locked files, that beside the database first; None where another program has one. Raises StoreError."""
    path = lock_of(database)
    try:
        file = os.open(path, _OPEN, 0o600)
        with suppress(OSError):
            path.chmod(0o600)
    except OSError as error:
        todo = "make room on its disk" if error.errno in _NO_ROOM else "give the bot write access to its folder"
        raise StoreError(f"{path}: it cannot be written ({error.strerror}): {todo}") from error
    files = [file]
    if _locked(file, path) and _is_named(file, path) and _locked_itself(database, files):
        return files
    for each in reversed(files):
        os.close(each)
    return None


def _is_named(file: int, path: Path) -> bool:
    """Whether the open file is still the one of that name: a removed one keeps nobody out."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def _locked_itself(database: Path, files: list[int]) -> bool:
    """Whether nobody else has the database's own byte, which is locked then, as far as the system can.

    Asked for once nobody has the file beside it, so that no second attempt of a process opens what it has open. A lock
    of the open file, not of the process: those SQLite drops whenever it closes a file.
    """
    if sys.platform != "linux":  # pragma: no cover - another system
        return True
    import fcntl  # noqa: PLC0415

    try:
        files.append(file := os.open(database, _OPEN, 0o600))
    except OSError:
        return True  # whoever opens it says why it cannot be
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, _BYTE, 1, 0))
    except OSError as error:
        return error.errno not in _HELD
    return True


def _holder(database: Path) -> Holder | None:
    """Who says that they hold it."""
    try:
        file = os.open(lock_of(database), os.O_RDONLY)
    except OSError:
        return None
    try:
        return _read(file)
    finally:
        os.close(file)


def _read(file: int) -> Holder | None:
    os.lseek(file, 0, os.SEEK_SET)
    try:
        return msgspec.json.decode(os.read(file, 4096), type=Holder)
    except (msgspec.DecodeError, OSError):
        return None


def _locked(file: int, path: Path) -> bool:
    """Whether it is locked now; not where another has it. Closes it and raises StoreError where it cannot be."""
    try:
        if os.name == "nt":  # pragma: no cover - another system
            import msvcrt  # noqa: PLC0415

            os.lseek(file, _BEHIND, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            os.lseek(file, 0, os.SEEK_SET)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        os.close(file)
        raise StoreError(
            f"{path}: it cannot be locked ({error.strerror}): put the database on a disk of this machine, "
            "or on a file system that knows locks"
        ) from error
    return True
