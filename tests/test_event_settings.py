"""The section that names the event hub of an account."""

from __future__ import annotations

import sys
import tomllib

import pytest

from bot.settings import EventsSettings, SettingsError
from bot.settings_file import check

ACCOUNT = """
[accounts.farm]
endpoint = "https://farm.westeurope.batch.azure.com"
subscription = "1111"
resource_group = "render"
"""
EVENTS = '[accounts.farm.events]\nnamespace = "batch-events.servicebus.windows.net"\n'


def mistakes(text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as error:
        check(tomllib.loads(text), environment or {}, use="read")
    return error.value.lines


def test_a_hub_is_named_as_azure_monitor_does_where_nothing_else_is_said() -> None:
    [account] = check(tomllib.loads(ACCOUNT + EVENTS), {}, use="read").accounts.values()
    assert account.events == EventsSettings(
        "batch-events.servicebus.windows.net", "insights-logs-servicelog", "$Default", ""
    )
    assert next(iter(check(tomllib.loads(ACCOUNT), {}, use="read").accounts.values())).events is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[accounts.farm.events]\nhub = "x"', "accounts.farm.events: namespace is missing: add it"),
        ('events = "x"', "accounts.farm.events: is a text in quotes: write a table"),
        (EVENTS + "hubb = 1", "accounts.farm.events.hubb: unknown key: did you mean hub?"),
        (EVENTS + 'hub = "a/b"', "accounts.farm.events.hub: 'a/b' is no name of Event Hubs"),
        (EVENTS + 'consumer_group = ""', "accounts.farm.events.consumer_group: '' is no name of Event Hubs"),
        (EVENTS + 'endpoint = "https://x"', "accounts.farm.events.endpoint: write sb://HOST:PORT"),
        (
            '[accounts.farm.events]\nnamespace = "https://x.servicebus.windows.net"',
            "accounts.farm.events.namespace: write the whole name without https://",
        ),
        (
            'credential = "shared_key"\nkey_env = "KEY"\n' + EVENTS,
            "accounts.farm.events: an account key opens no event hub: use an identity",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_cure(more: str, words: str) -> None:
    found = mistakes(ACCOUNT + more, {"KEY": "a2V5"})
    assert [each for each in found if each.startswith(words)], found


def test_the_extra_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    for name in [each for each in sys.modules if each.startswith("azure.eventhub")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys.modules["azure"], "__path__", [])
    assert mistakes(ACCOUNT + EVENTS) == [
        "accounts.farm.events: its library is not installed: pip install 'batchbot[events]'"
    ]
