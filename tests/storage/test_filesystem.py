"""A SQLite file on another machine's disk is refused, with the reason and the cure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from storage.port.errors import StoreError
from storage.sqlite import filesystem
from storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nobody else says what is mounted")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smb3", "9p", "fuse.azurefiles", "fuse.sshfs", "fuse.blobfuse2"])
def test_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_anew: None, kind: str) -> None:
    share = tmp_path / "my share"
    (share / "deep").mkdir(parents=True)
    mounts = tmp_path / "mounts"
    escaped = str(share).replace(" ", r"\040")
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\n//there/share {escaped} {kind} rw,vers=3.1.1 0 0\ntmpfs /run tmpfs\n")
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    database = share / "deep" / "bot.db"
    for opened in (lambda: SqliteStore.open(database), lambda: SqliteStore.hold(database, 0)):
        with pytest.raises(StoreError, match=rf"it is on a network file system \({kind}\).*keep everything in Postgre"):
            opened()
    assert list((share / "deep").iterdir()) == []
    (tmp_path / "link.db").symlink_to(database)
    with pytest.raises(StoreError, match="network file system"):
        SqliteStore.open(tmp_path / "link.db")


@pytest.mark.parametrize("kind", ["ext4", "xfs", "overlay", "tmpfs", "btrfs", "fuse.fuse-overlayfs", "zfs", "ntfs3"])
async def test_a_disk_of_this_machine_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    mounts = tmp_path / "mounts"
    over = f"there:/all {tmp_path} nfs rw 0 0\n/dev/sdb1 {tmp_path} {kind} rw 0 0\n"  # the last one lies on top
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\n{over}there:/more {tmp_path}2 nfs rw 0 0\n")
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    await SqliteStore.open(tmp_path / "bot.db").close()


async def test_where_nobody_says_what_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "none")
    await SqliteStore.open(tmp_path / "bot.db").close()
