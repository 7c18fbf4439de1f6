"""What ``--fix`` does: only what harms nobody and can be said in a line."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.doctor.finding import Finding, broken, fine
from bot.doctor.storage import open_to_others
from bot.settings_file import Settings
from storage.looking import type_of
from storage.url import is_url


def mend(database: str, settings_file: Path, secrets: Iterable[Path]) -> list[Finding]:
    """Make the database's folder, and narrow the modes of files, of ``secrets`` too. What was done, a line each."""
    done: list[Finding] = []
    try:
        if not is_url(database) and not (folder := Path(database).absolute().parent).exists():
            folder.mkdir(parents=True, mode=0o700)
            done.append(fine("mended", f"made the folder {folder}"))
        for each in () if is_url(database) else open_to_others(Path(database)):
            each.chmod(0o600)
            done.append(fine("mended", f"nobody but its owner can read {each} now (600)"))
        for each in secrets:
            each.chmod(0o600)
            done.append(fine("mended", f"nobody but its owner can read {each} now (600)"))
        if others_write(settings_file):
            settings_file.chmod(settings_file.stat().st_mode & ~(stat.S_IWGRP | stat.S_IWOTH) & 0o7777)
            done.append(fine("mended", f"nobody but its owner can write {settings_file} now"))
    except OSError as error:
        done.append(broken("mending", f"{error.filename}: {error.strerror}", "do it as the file's owner"))
    return done


def readable_secrets(settings: Settings, environment: Mapping[str, str]) -> list[Path]:
    """The files with secrets (``VARIABLE_FILE``) that everybody on this machine can read.

    Those in memory do not count: so containers get them, and are alone.
    """
    named = [*settings.bot.secrets()]
    for name, account in settings.accounts.items():
        named += account.secrets(name)
    for section in settings.platforms.values():
        named += section.secrets()
    for webhook in settings.webhooks:
        named += webhook.secrets("webhooks")
    files = (Path(environment.get(f"{variable}_FILE", "").strip() or os.devnull) for _, variable in named)
    return [
        each
        for each in dict.fromkeys(files)
        if os.name != "nt" and each.is_file() and each.stat().st_mode & stat.S_IROTH and type_of(each) != "tmpfs"
    ]


def others_write(path: Path) -> bool:
    """Whether more people than its owner can write a file."""
    return os.name != "nt" and path.exists() and bool(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))
