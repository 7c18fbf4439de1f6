"""The sections of the settings file, each with the checks that its types cannot express.

The file as a whole is :mod:`bot.settings_file`. A chat platform's section is in its own package
(``bot/chat/NAME/settings.py``). Secrets never stand in the file; it names the variables that hold them, see
:mod:`bot.secrets`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct
from msgspec.structs import replace

from storage.retention import DAY, Retention
from storage.url import is_url

Credential = Literal["default", "managed_identity", "shared_key"]
Cloud = Literal["public", "usgov", "china"]
Role = Literal["viewer", "operator", "admin"]
_PORTS = 65535


class SettingsError(Exception):
    """Every mistake found, one line each, saying which key, what is wrong and how to mend it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class BotSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """The program itself."""

    listen: str = "127.0.0.1:8080"
    """Address and port for Slack, Teams, pictures and health."""
    health_listen: str = ""
    """Address and port for ``/metrics`` and the details of ``/health`` and ``/readyz`` alone; empty: they are at
    ``listen``."""
    public_url: str = ""
    """HTTPS address of ``listen`` for the world; for pictures in Teams and in private answers on Slack."""
    database: str = "batchbot.db"
    """SQLite file, or ``postgresql://USER@HOST:5432/NAME?sslmode=verify-full``."""
    database_password_env: str = ""
    """Variable with the password of the PostgreSQL database; empty where it asks for none, or libpq's own say it."""
    database_entra: bool = False
    """Sign in to the PostgreSQL database with a token of Microsoft Entra in the place of a password."""
    database_wait_seconds: Annotated[int, Meta(ge=0, le=3600)] = 60
    """Seconds a second program waits for the one that holds a file, as in a restart; on PostgreSQL it stands by."""
    zone: str = "UTC"
    """IANA time zone used where a person's own is unknown."""
    name: str = "batch"
    """The slash command and the name typed in help texts."""
    poll_seconds: Annotated[int, Meta(ge=5, le=3600)] = 60
    """Seconds between two samples of an account."""
    currency: str = "USD"
    """Currency of prices, such as EUR; Azure's price list is made in USD, others are for reference."""
    prices_url: str = "https://prices.azure.com/api/retail/prices"
    """Azure's public price list, which needs no identity; empty for no prices."""
    picture_days: Annotated[int, Meta(ge=1, le=90)] = 30
    """Days for which a signed picture link works."""
    relay_mb: Annotated[int, Meta(ge=0, le=1_000_000)] = 2048
    """Largest file of a node, in MB, that is relayed by a signed link of ``public_url``; 0 for none."""
    operators: str = ""
    """Channel that is told what whoever runs the bot has to mend; where left out, ``audit.conversation``."""
    reload: Literal["change", "signal"] = "change"
    """When this file is read again while the bot runs: when it changes, or at SIGHUP alone, which always does it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe log line written."""

    def mistakes(self) -> Iterator[str]:
        """What types cannot say, a line each."""
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            yield f"bot.zone: {self.zone!r} is not an IANA time zone: write one such as Europe/Berlin"
        for key, where in (("listen", self.listen), ("health_listen", self.health_listen)):
            if where or key == "listen":
                yield from listen_mistakes(f"bot.{key}", where)
        if self.health_listen == self.listen:
            yield "bot.health_listen: an address of its own, or leave it out"
        if not re.fullmatch(r"[a-z0-9_-]{1,31}", self.name):
            yield "bot.name: a slash command has a-z, 0-9, - and _, 31 at most"
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            yield f"bot.currency: {self.currency!r} is not a currency: write its three letters, such as USD or EUR"
        yield from self._database_mistakes()
        if self.prices_url:
            yield from address_mistakes("bot.prices_url", self.prices_url)
        if self.public_url:
            yield from address_mistakes("bot.public_url", self.public_url)

    def _database_mistakes(self) -> Iterator[str]:
        if not is_url(self.database):
            if "://" in self.database:
                yield "bot.database: write the path of a SQLite file, or postgresql://USER@HOST:5432/NAME"
            if self.database_password_env or self.database_entra:
                yield "bot.database: a file asks for no password: leave out database_password_env and database_entra"
            return
        try:
            parts = urlsplit(self.database)
            secret = parts.password is not None or "password" in parse_qs(parts.query)
        except ValueError:
            yield "bot.database: is no URL: write postgresql://USER@HOST:5432/NAME"
            return
        if secret:
            yield (
                "bot.database: the password does not belong into the settings: put it into an environment variable, "
                "and name that in database_password_env"
            )
        if self.database_password_env and self.database_entra:
            yield "bot.database_entra: its token is the password: leave out database_password_env"
        if self.database_entra and not parts.username:
            yield "bot.database: name the user that Microsoft Entra knows: postgresql://USER@HOST:5432/NAME"

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Keys that name a variable which has to be set, and the variable."""
        if self.database_password_env:
            yield "bot.database_password_env", self.database_password_env


NO_EVENTS_LIBRARY = "its library is not installed: pip install 'batchbot[events]'"
"""What is said where an event hub is named, and nothing can read it."""


class EventsSettings(Struct, frozen=True):
    """The event hub into which Azure Monitor sends the diagnostic events of an account."""

    namespace: str
    """Fully qualified name of the namespace, such as batch-events.servicebus.windows.net."""
    hub: str = "insights-logs-servicelog"
    """The event hub; the default is what Azure Monitor calls it where the diagnostic setting names none."""
    consumer_group: str = "$Default"
    """Whose reader the bot is; give it a consumer group that nobody else reads by."""
    endpoint: str = ""
    """Address of the namespace, such as ``sb://10.0.0.4:5671``, where it is not reached by its name."""

    def mistakes(self, where: str) -> Iterator[str]:
        """What types cannot say, a line each."""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+", self.namespace):
            yield f"{where}.namespace: write the whole name without https://, such as NAME.servicebus.windows.net"
        for key, name in (("hub", self.hub), ("consumer_group", self.consumer_group)):
            if not re.fullmatch(r"[$A-Za-z0-9][\w.-]{0,255}", name, re.ASCII):
                yield f"{where}.{key}: {name!r} is no name of Event Hubs: letters, digits, ., - and _"
        if self.endpoint and not re.fullmatch(r"sb://[^/\s]+/?", self.endpoint):
            yield f"{where}.endpoint: write sb://HOST:PORT"
        if find_spec("azure.eventhub") is None:
            yield f"{where}: {NO_EVENTS_LIBRARY}"


class AccountSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """One Batch account."""

    endpoint: str
    """Data plane address, such as https://render.northcentralus.batch.azure.com."""
    subscription: str
    """Subscription id."""
    resource_group: str
    """Resource group of the account."""
    account: str = ""
    """The Batch account's name, where it differs from the first label of ``endpoint``."""
    region: str = ""
    """Region, where it differs from the second label of ``endpoint``."""
    credential: Credential = "default"
    """``default`` is azure-identity's chain; ``shared_key`` reads ``key_env`` and has no ARM."""
    key_env: str = ""
    """Variable with the account key (shared_key)."""
    client_id: str = ""
    """Client id of a user-assigned managed identity."""
    write_credential: Literal["", "default", "managed_identity", "shared_key"] = ""
    """Identity that changes the account, apart from the one that reads it; empty: the bot cannot change it."""
    write_key_env: str = ""
    """Variable with the account key, where ``write_credential`` is ``shared_key``."""
    write_client_id: str = ""
    """Client id of the user-assigned managed identity that changes the account."""
    cloud: Cloud = "public"
    """Which Azure cloud; sets the ARM address and token audiences."""
    arm_endpoint: str = ""
    """ARM address, where it is not the cloud's own."""
    metrics_endpoint: str = ""
    """Azure Monitor's metrics address, where it is not the region's own, https://REGION.metrics.monitor.azure.com."""
    events: EventsSettings | None = None
    """Table with the event hub that has the account's diagnostic events; left out: the account is polled alone."""

    @property
    def batch_name(self) -> str:
        """The Batch account's own name."""
        return self.account or (urlsplit(self.endpoint).hostname or "").split(".")[0]

    @property
    def location(self) -> str:
        """The region's short name, such as northcentralus; empty when unknown."""
        labels = (urlsplit(self.endpoint).hostname or "").split(".")
        return self.region or (labels[1] if len(labels) > 3 else "")

    @property
    def has_metrics(self) -> bool:
        """Whether Azure Monitor can be asked: not with a key, which is no token, nor about an account of this machine
        unless an address is given."""
        here = is_loopback(urlsplit(self.endpoint).hostname or "")
        return self.credential != "shared_key" and bool(self.metrics_endpoint or not here)

    def mistakes(self, name: str) -> Iterator[str]:
        """What types cannot say of the account that is called ``name``, a line each."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", name):
            yield f"accounts.{name}: a name has letters, digits, - and _, 32 at most"
        yield from address_mistakes(f"accounts.{name}.endpoint", self.endpoint)
        if self.arm_endpoint:
            yield from address_mistakes(f"accounts.{name}.arm_endpoint", self.arm_endpoint)
        if self.metrics_endpoint:
            yield from address_mistakes(f"accounts.{name}.metrics_endpoint", self.metrics_endpoint)
        if self.events:
            yield from self.events.mistakes(f"accounts.{name}.events")
            if self.credential == "shared_key":
                yield f"accounts.{name}.events: an account key opens no event hub: use an identity (credential)"

    def secrets(self, name: str) -> Iterator[tuple[str, str]]:
        """Keys of the account called ``name`` that name a variable which has to be set, and the variable."""
        if self.credential == "shared_key":
            yield f"accounts.{name}.key_env", self.key_env
        if self.write_credential == "shared_key":
            yield f"accounts.{name}.write_key_env", self.write_key_env


def writing(account: AccountSettings) -> AccountSettings:
    """The account as the identity that changes it reaches it."""
    return replace(
        account,
        credential=account.write_credential or "default",
        key_env=account.write_key_env,
        client_id=account.write_client_id,
    )


class AccessSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Who may do what, by immutable ids written ``slack:U…``, ``teams:<directory object id>`` or ``text:…``."""

    everyone: Literal["none", "viewer"] = "viewer"
    """Role of whoever is not named below."""
    viewers: list[str] = []
    """Ids that may read."""
    operators: list[str] = []
    """Ids that may also change running things."""
    admins: list[str] = []
    """Ids that may do everything."""


class WatchSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """How accounts are watched."""

    poll_seconds: Annotated[int, Meta(ge=5, le=3600)] = 30
    """Seconds between two polls of an account."""
    requests_per_minute: Annotated[int, Meta(ge=10, le=10000)] = 120
    """Requests to Azure that monitoring one account may make; reads in turns get rarer rather than exceed it."""
    tasks: Literal["failed", "all"] = "failed"
    """Tasks that are recorded: those that fail, or every start and end, with the requests that all else has left."""
    nodes: Literal["trouble", "all"] = "trouble"
    """Node changes that are recorded: into and out of trouble, or all, a request a pool and poll where one is left."""
    sweep_hours: Annotated[int, Meta(ge=1, le=168)] = 2
    """Hours between two full lists of unfinished jobs, which find deleted ones."""
    believe_clock: bool = False
    """Go by every time that the service tells, also one that jumps: for a simulation faster than the wall's clock."""


class AlertSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """What is told without being asked, and how often. Channels can be subscribed in the chat too."""

    channels: list[str] = []
    """Channels subscribed to warnings and worse, written ``slack:C…`` or ``teams:19:…@thread.tacv2``."""
    on_call: dict[str, str] = {}
    """Who is mentioned by critical alerts of a channel: its id as above = ``slack:U…``, ``slack:S…`` (a user group) or
    ``teams:29:…`` (a person; groups and tags cannot be mentioned by a bot's card there)."""
    group_wait: Annotated[int, Meta(ge=0, le=3600)] = 30
    """Seconds for which alerts after a first one are grouped."""
    group_interval: Annotated[int, Meta(ge=0, le=86400)] = 300
    """Seconds between two messages while more alerts keep coming."""
    repeat: Annotated[int, Meta(ge=60, le=604800)] = 14400
    """Seconds until an open alert is repeated; twice as long each time, a day at most."""
    remind: Annotated[int, Meta(ge=60, le=604800)] = 14400
    """Seconds until the person who acknowledged an open alert is reminded."""


class KnowledgeSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """What a team knows of its own programs; docs/causes.md says how it is written."""

    file: str = ""
    """A file of own causes: exit codes and lines that programs print. Its path begins beside the settings file."""


class KeepSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """How long what watching saw is kept; the rest is in docs/storage.md."""

    transitions_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    """Days for which state changes are kept."""
    incidents_days: Annotated[int, Meta(ge=1, le=3650)] = 90
    """Days for which a resolved incident is kept."""
    counts_days: Annotated[int, Meta(ge=1, le=3650)] = 400
    """Days for which hourly counts of state changes are kept."""
    black_box_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    """Days for which the black box keeps what failed tasks printed and how nodes in trouble were."""
    black_box_mb: Annotated[int, Meta(ge=0, le=100_000)] = 100
    """What the black box may take on disk, in MB, compressed; the oldest goes first, and 0 keeps nothing."""

    def retention(self) -> Retention:
        """What a store is opened with."""
        return Retention(
            transitions=self.transitions_days * DAY,
            incidents=self.incidents_days * DAY,
            transition_counts=self.counts_days * DAY,
            black_box=self.black_box_days * DAY,
            black_box_bytes=self.black_box_mb * 1024 * 1024,
        )


class TelemetrySettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Traces for a collector of OpenTelemetry; they want ``pip install 'batchbot[telemetry]'``."""

    traces_url: str = ""
    """Where spans are sent (OTLP by HTTP), such as http://127.0.0.1:4318/v1/traces; empty: there are none."""
    header_env: str = ""
    """Variable with a header that the collector wants, written NAME=VALUE."""
    share: Annotated[float, Meta(ge=0, le=100)] = 100
    """Per cent of all traces that are sent."""

    def mistakes(self) -> Iterator[str]:
        """What types cannot say, a line each."""
        if self.traces_url:
            yield from address_mistakes("telemetry.traces_url", self.traces_url)

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Keys that name a variable which has to be set, and the variable."""
        if self.header_env:
            yield "telemetry.header_env", self.header_env


def address_mistakes(key: str, url: str) -> Iterator[str]:
    """What is wrong with an address that a key of the settings holds, a line each: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host:
        yield f"{key}: {url!r} is not an address: write it like https://host"
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield f"{key}: an address here has no user, query or fragment"
    elif parts.scheme == "http" and not is_loopback(host):
        yield f"{key}: http is allowed on this machine (loopback) only: use https://{host}"


def public_mistakes(key: str, url: str) -> Iterator[str]:
    """What keeps an address from being one that Slack and Teams can call: https, and a host with a name of its own."""
    found = list(address_mistakes(key, url))
    yield from found
    host = urlsplit(url).hostname or "" if not found else ""
    if not found and not is_loopback(host) and "." not in host:
        yield f"{key}: {url!r} has no host that others reach: write one like https://batchbot.example.com"


def listen_mistakes(key: str, listen: str) -> Iterator[str]:
    """What is wrong with an address to listen at: ``HOST:PORT``, with a port that there is (0: any that is free)."""
    found = re.fullmatch(r"(\S+):(\d{1,6})", listen)
    if not found:
        yield f"{key}: {listen!r} is not HOST:PORT: write one such as 0.0.0.0:8080"
    elif int(found[2]) > _PORTS:
        yield f"{key}: there is no port {found[2]}: write one from 1 to {_PORTS}, such as {found[1]}:8080"


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
