"""What ``--fix`` does: only what harms nobody and can be said in a line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bot.doctor.finding import Finding, broken, fine
from bot.doctor.storage import open_to_others


def mend(database: Path, settings_file: Path) -> list[Finding]:
    """Make the database's folder, and narrow the modes of files. What was done, a line each."""
    done: list[Finding] = []
    folder = database.absolute().parent
    try:
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            done.append(fine("mended", f"made the folder {folder}"))
        for each in open_to_others(database):
            each.chmod(0o600)
            done.append(fine("mended", f"nobody but its owner can read {each} now (600)"))
        if others_write(settings_file):
            settings_file.chmod(settings_file.stat().st_mode & ~(stat.S_IWGRP | stat.S_IWOTH) & 0o7777)
            done.append(fine("mended", f"nobody but its owner can write {settings_file} now"))
    except OSError as error:
        done.append(broken("mending", f"{error.filename}: {error.strerror}", "do it as the file's owner"))
    return done


def others_write(path: Path) -> bool:
    """Whether more people than its owner can write a file."""
    return os.name != "nt" and path.exists() and bool(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))
