"""The first settings file, with a word about what may be added."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from bot.settings_file import Settings, check
from bot.tools.init.answers import Answers

_DOCS = "docs/reference.md has every key"


UNKNOWN = "…"
"""Stands for what has to be filled in; ``batchbot check`` says where it still does."""


def text_of(answers: Answers) -> str:
    """The file. All questions have to be answered; an id that nobody knows yet is :data:`UNKNOWN`."""
    return "\n".join(_lines(answers)) + "\n"


def settings_of(text: str) -> Settings:
    """The same as settings. Raises SettingsError where ``batchbot check`` would find a mistake besides the secrets."""
    return check(tomllib.loads(text), use="read")


def _lines(answers: Answers) -> Iterator[str]:
    resource = answers.resource
    yield f"# Written by batchbot init; {_DOCS}. Secrets stand in environment variables."
    yield ""
    yield "[bot]"
    yield _line("listen", "0.0.0.0:8080" if answers.is_called else "127.0.0.1:8080")
    if answers.public_url:
        yield f"{_line('public_url', answers.public_url)}  # it leads to listen, by a proxy with a certificate"
    yield '# zone = "Europe/Berlin"'
    yield '# currency = "EUR"'
    yield ""
    yield f"[accounts.{resource['name']}]"
    yield _line("endpoint", answers.endpoint or "")
    yield _line("subscription", resource["subscription"])
    yield _line("resource_group", resource["group"])
    if (urlsplit(answers.endpoint or "").hostname or "").partition(".")[0].lower() != resource["name"].lower():
        yield _line("account", resource["name"])
    yield from _identity("", answers.client_id)
    if answers.change:
        yield from _identity("write_", answers.write_client_id)
    else:
        yield '# write_credential = "managed_identity"  # another identity, which may change the account'
    yield f"# [accounts.{resource['name']}.events]  # an event hub with its diagnostic events: docs/event-hubs.md"
    if answers.slack:
        yield ""
        yield "[slack]"
        yield _line("mode", "socket" if answers.socket else "http")
    if answers.teams:
        yield ""
        yield "[teams]"
        yield _line("app_id", answers.app_id or UNKNOWN)
        yield _line("tenant_id", answers.tenant_id or UNKNOWN)
        yield _line("credential", "client_secret" if answers.client_secret else "managed_identity")
    yield ""
    yield "[alerts]"
    yield _line("channels", [answers.channel] if answers.channel else [])
    yield ""
    yield "[access]  # whoever is not named is a viewer: they read and change nothing"
    yield _line("admins", [answers.admin] if answers.admin else [])


def _identity(which: str, client_id: str | None) -> Iterator[str]:
    if client_id:
        yield _line(f"{which}credential", "managed_identity")
        yield _line(f"{which}client_id", client_id)
    else:
        yield f"{_line(f'{which}credential', 'default')}  # environment, workload or managed identity, az login"


def _line(key: str, value: str | list[str]) -> str:
    return f"{key} = {msgspec.json.encode(value).decode()}"
