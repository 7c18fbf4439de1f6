"""One program holds a database: a lock on a file beside it, which the system drops with the process, however it ends.

The file says who holds it. It stays when it is let go: whoever removed it could remove the lock of the next.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from storage.port.errors import StoreError, StoreHeld

log = structlog.get_logger()

_EVERY = 0.2
"""Seconds between two attempts."""
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
"""What the system says of a lock that another program has; all else means that there can be none."""
_BEHIND = 1 << 20
"""Windows locks bytes, and nobody else may read those: one far behind what is written."""


class Holder(Struct, frozen=True):
    """Who holds a database: the process, its machine, and since when."""

    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class Holding:
    """A held database, until :meth:`release` or the end of the process."""

    def __init__(self, file: int) -> None:
        self._file: int | None = file

    @classmethod
    def take(cls, database: Path, patience: float) -> Holding:
        """Hold a database. Blocks for as long as another program holds it, ``patience`` seconds at most.

        Raises StoreHeld, which says who holds it, and StoreError where the file beside it cannot be written.
        """
        path = lock_of(database)
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            with suppress(OSError):
                path.chmod(0o600)
        except OSError as error:
            full = error.errno in _NO_ROOM
            todo = "make room on its disk" if full else "give the bot write access to its folder"
            raise StoreError(f"{path}: it cannot be written ({error.strerror}): {todo}") from error
        until, told = time.monotonic() + patience, False
        while not _locked(file, path):
            if time.monotonic() >= until:
                holder = _read(file)
                os.close(file)
                raise StoreHeld(
                    f"{database}: another batchbot holds it ({holder or 'it does not say which'}): stop that one; "
                    "one bot per database. bot.database_wait_seconds is how long a second one waits"
                )
            if not told:
                log.info(
                    "storage.held_by_another", database=str(database), holder=str(_read(file) or ""), wait=patience
                )
                told = True
            time.sleep(_EVERY)
        told_by = msgspec.json.encode(Holder(os.getpid(), socket.gethostname(), datetime.now(UTC)))
        with suppress(OSError):  # on a full disk it is held all the same, and does not say by whom
            os.ftruncate(file, 0)
            os.pwrite(file, told_by, 0) if hasattr(os, "pwrite") else os.write(file, told_by)
        return cls(file)

    def release(self) -> None:
        """Let it go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def lock_of(database: Path) -> Path:
    """The file whose lock is the database's."""
    return database.with_name(f"{database.name}.lock")


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
