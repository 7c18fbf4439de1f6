"""The section ``[[webhooks]]`` of the settings: who is told by HTTP, and of what."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bot.secrets import Secret, secret
from bot.settings import SettingsError, address_mistakes

Event = Literal["opened", "changed", "acknowledged", "resolved", "news"]
Watched = Literal["pool", "allocation", "autoscale", "node", "job", "task", "schedule"]
KEY_PREFIX = "whsec_"
LEAST_KEY, MOST_KEY = 24, 64
"""Bytes of a key, by Standard Webhooks 1.0."""


class WebhookSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """A program that is told of incidents by signed CloudEvents; docs/webhooks.md has their shapes."""

    name: str
    """What it is called here, in ``status`` and in metrics. What waits for it waits under this name."""
    url: str = ""
    """Its https address, without a query; http on this machine alone."""
    url_env: str = ""
    """Variable with the address, where that is a secret itself, such as one with a key in its query."""
    secret_env: str = ""
    """Variable with the key that events are signed by: ``whsec_`` and 24 to 64 bytes in Base64."""
    previous_secret_env: str = ""
    """Variable with the key before, while it is renewed: events are signed by both."""
    accounts: list[str] = []
    """Patterns of accounts, such as render-*; empty for all."""
    kinds: list[str] = []
    """Patterns of alerts, such as pool.*; empty for all that are not on request (docs/alerts.md)."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """The least that an incident has to be, or to have been."""
    events: list[Event] = []
    """What is told of incidents, empty for all of it; ``acknowledged`` is also when that is taken back."""
    transitions: list[Watched] = []
    """Kinds of entities of which every change of state that was seen is told, too."""
    timeout_seconds: Annotated[float, Meta(ge=1, le=60)] = 10
    """Seconds for its answer."""
    networks: list[str] = []
    """Networks that are not of the public internet where its address may lie all the same, such as 10.20.0.0/16."""

    def secrets(self, where: str) -> Iterator[tuple[str, str]]:
        """Keys that name a variable which has to be set, and the variable."""
        yield f"{where}.secret_env", self.secret_env
        if self.previous_secret_env:
            yield f"{where}.previous_secret_env", self.previous_secret_env
        if self.url_env:
            yield f"{where}.url_env", self.url_env

    def keys(self, environment: Mapping[str, str]) -> list[bytes]:
        """The keys to sign by, the newest first. Raises SettingsError."""
        named = [each for each in (self.secret_env, self.previous_secret_env) if each]
        return [key_of(secret(each, environment), each) for each in named]

    def address(self, environment: Mapping[str, str]) -> str:
        """Where it is. Raises SettingsError."""
        if not self.url_env:
            return self.url
        found = secret(self.url_env, environment).reveal()
        if wrong := [*_address_mistakes("", found)]:
            raise SettingsError([f"environment variable {self.url_env}{each}" for each in wrong])
        return found


def key_of(held: Secret, variable: str) -> bytes:
    """The bytes of a key as Standard Webhooks writes it. Raises SettingsError, which never repeats it."""
    text = held.reveal()
    try:
        key = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True) if text.startswith(KEY_PREFIX) else b""
    except binascii.Error:
        key = b""
    if not LEAST_KEY <= len(key) <= MOST_KEY:
        raise SettingsError(
            [
                f"environment variable {variable} holds no key for webhooks: it has to be {KEY_PREFIX} and {LEAST_KEY} "
                f'to {MOST_KEY} bytes in Base64; printf "{KEY_PREFIX}%s\\n" "$(openssl rand -base64 32)" makes one'
            ]
        )
    return key


def webhook_mistakes(webhooks: Iterable[WebhookSettings]) -> Iterator[str]:
    """What types cannot say, a line each."""
    names: set[str] = set()
    for number, each in enumerate(webhooks, 1):
        where = f"webhooks {number}"
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", each.name):
            yield f"{where}.name: {each.name!r}: a name has a-z, 0-9 and -, 32 at most"
        elif each.name in names:
            yield f"{where}.name: another webhook is called {each.name}: give it another name"
        names.add(each.name)
        if bool(each.url) is bool(each.url_env):
            yield f"{where}.url: write url, or name in url_env the variable that holds it"
        elif each.url:
            yield from address_mistakes(f"{where}.url", each.url)
        for network in each.networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                yield f"{where}.networks: {network!r} is no network: write one such as 10.20.0.0/16"


def webhook_secret_mistakes(
    webhooks: Iterable[WebhookSettings], environment: Mapping[str, str], unset: Iterable[str]
) -> Iterator[str]:
    """What is wrong with keys and addresses that variables hold, a line each; none of what is ``unset`` altogether."""
    missing = {each.partition(":")[0] for each in unset}
    for number, each in enumerate(webhooks, 1):
        where = f"webhooks {number}"
        for key, read in (("secret_env", each.keys), ("url_env", each.address)):
            if not missing.isdisjoint({f"{where}.{key}", f"{where}.previous_secret_env"}):
                continue
            try:
                read(environment)
            except SettingsError as error:
                yield from (f"{where}.{key}: {line}" for line in error.lines)


def _address_mistakes(key: str, url: str) -> Iterator[str]:
    """The same as of an address in the file, but that a secret one may have a query; it is not repeated."""
    plain, _, query = url.partition("?")
    if [*address_mistakes(key, plain)] or "#" in query:
        yield f"{key}: holds no https address"
