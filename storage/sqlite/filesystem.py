"""A SQLite file belongs on a disk of its own machine: over a network its locks and its log do not hold.

See https://www.sqlite.org/useovernet.html and https://www.sqlite.org/wal.html, which says that all who use a database
have to be on one host.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from storage.port.errors import StoreError

MOUNTS = Path("/proc/self/mounts")
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb(fs|\d)?|9p|afs|ncpfs|ceph|lustre|glusterfs|ocfs2|gfs2|beegfs|"
    r"fuse\.(azurefiles|blobfuse2?|sshfs|s3fs|gcsfuse|goofys|rclone|glusterfs|cephfs?|davfs|mount-s3)|davfs"
)
"""Types of file systems that lie on other machines, as Linux calls them. Of Azure, Files is nfs or cifs."""


def refuse_network(path: Path) -> None:
    """Raise StoreError where a database would lie on another machine. Elsewhere than on Linux nobody asks."""
    if sys.platform == "linux" and (kind := type_of(Path(os.path.realpath(path)).parent)) and _NETWORK.fullmatch(kind):
        raise StoreError(
            f"{path}: it is on a network file system ({kind}), where SQLite loses data: put it on a disk of this "
            'machine, or keep everything in PostgreSQL (bot.database = "postgresql://USER@HOST/NAME")'
        )


def type_of(place: Path) -> str:
    """The type of the file system that a folder or a file is on; empty where the system does not say."""
    folder = Path(os.path.realpath(place))
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found: tuple[int, str] = (-1, "")
    for line in lines:
        _, where, kind, *_ = [*line.split(" "), "", "", ""]
        point = Path(re.sub(r"\\(\d{3})", lambda each: chr(int(each[1], 8)), where))
        if point == folder or point in folder.parents:
            found = max((len(point.parts), kind), found, key=lambda each: each[0])  # of one point the last is on top
    return found[1]
