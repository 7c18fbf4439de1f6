"""Settings: one TOML file, secrets by environment variable, every mistake told in one line.

The file is decoded strictly: an unknown key is an error that names the nearest known one. Secrets never stand in
the file; it names the environment variables that hold them.
"""

from __future__ import annotations

import ast
import inspect
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, field
from rapidfuzz import process

Credential = Literal["default", "managed_identity", "shared_key"]
Cloud = Literal["public", "usgov", "china"]
Role = Literal["viewer", "operator", "admin"]


class SettingsError(Exception):
    """Every mistake found, one line each, saying which key, what is wrong and how to mend it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Secret:
    """A secret that cannot be printed by accident; :meth:`reveal` where it is used."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class BotSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """The program itself."""

    listen: str = "127.0.0.1:8080"
    """Address and port for Slack, Teams, pictures and health."""
    public_url: str = ""
    """HTTPS address under which the world reaches ``listen``; needed for Teams pictures."""
    database: str = "batchbot.db"
    """SQLite file."""
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
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe log line written."""


class SlackSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Slack, over signed HTTP or Socket Mode."""

    mode: Literal["http", "socket"] = "http"
    """``http`` needs a public address, ``socket`` only an app token."""
    bot_token_env: str = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a variable
    """Variable with the bot token (xoxb-…)."""
    signing_secret_env: str = "SLACK_SIGNING_SECRET"  # noqa: S105
    """Variable with the signing secret (http)."""
    app_token_env: str = "SLACK_APP_TOKEN"  # noqa: S105
    """Variable with the app-level token (xapp-…, socket)."""
    api_url: str = "https://slack.com/api/"
    """Slack's Web API; other hosts only for stand-ins."""

    def mistakes(self, bot: BotSettings) -> Iterator[str]:
        """What types cannot say, a line each."""
        yield from _address("slack.api_url", self.api_url)

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Keys that name a variable which has to be set, and the variable."""
        yield "slack.bot_token_env", self.bot_token_env
        if self.mode == "http":
            yield "slack.signing_secret_env", self.signing_secret_env
        else:
            yield "slack.app_token_env", self.app_token_env


class TeamsSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Microsoft Teams, over the Bot Framework."""

    app_id: str
    """Application (client) id of the bot registration."""
    tenant_id: str
    """Directory (tenant) id: single tenant registrations only."""
    credential: Literal["managed_identity", "client_secret"] = "managed_identity"
    """How the bot proves itself to the Bot Connector."""
    secret_env: str = "TEAMS_CLIENT_SECRET"  # noqa: S105
    """Variable with the client secret (client_secret)."""
    service_hosts: list[str] = field(default_factory=lambda: ["smba.trafficmanager.net"])
    """Hosts that a stored service URL may name: tokens are sent there."""
    openid_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    """Where the keys that sign the service's requests are published."""
    issuer: str = "https://api.botframework.com"
    """Who issues the service's tokens."""
    scope: str = "https://api.botframework.com/.default"
    """Scope of the bot's own tokens."""

    def mistakes(self, bot: BotSettings) -> Iterator[str]:
        """What types cannot say, a line each."""
        yield from _address("teams.openid_url", self.openid_url)
        if not self.app_id.strip():
            yield "teams.app_id: is empty, which would switch authentication off: give the bot's application id"
        if not bot.public_url:
            yield "bot.public_url: is missing: Teams fetches pictures from it"

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Keys that name a variable which has to be set, and the variable."""
        if self.credential == "client_secret":
            yield "teams.secret_env", self.secret_env


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

    @property
    def batch_name(self) -> str:
        """The Batch account's own name."""
        return self.account or (urlsplit(self.endpoint).hostname or "").split(".")[0]

    @property
    def location(self) -> str:
        """The region's short name, such as northcentralus; empty when unknown."""
        labels = (urlsplit(self.endpoint).hostname or "").split(".")
        return self.region or (labels[1] if len(labels) > 3 else "")


def writing(account: AccountSettings) -> AccountSettings:
    """The account as the identity that changes it reaches it."""
    return msgspec.structs.replace(
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
    """Tasks that are recorded: those that fail, or every start and end."""
    nodes: Literal["trouble", "all"] = "trouble"
    """Node changes that are recorded: into and out of trouble, or all, which costs a request per pool and poll."""
    sweep_hours: Annotated[int, Meta(ge=1, le=168)] = 2
    """Hours between two full lists of unfinished jobs, which find deleted ones."""


class AlertSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """What is told without being asked, and how often. Channels can be subscribed in the chat too."""

    channels: list[str] = []
    """Channels subscribed to warnings and worse, written ``slack:C…`` or ``teams:19:…@thread.tacv2``."""
    group_wait: Annotated[int, Meta(ge=0, le=3600)] = 30
    """Seconds for which alerts after a first one are grouped."""
    group_interval: Annotated[int, Meta(ge=0, le=86400)] = 300
    """Seconds between two messages while more alerts keep coming."""
    repeat: Annotated[int, Meta(ge=60, le=604800)] = 14400
    """Seconds until an open alert is repeated; twice as long each time, a day at most."""
    remind: Annotated[int, Meta(ge=60, le=604800)] = 14400
    """Seconds until the person who acknowledged an open alert is reminded."""


class KeepSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """How long what watching saw is kept; the rest is in docs/storage.md."""

    transitions_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    """Days for which state changes are kept."""
    incidents_days: Annotated[int, Meta(ge=1, le=3650)] = 90
    """Days for which a resolved incident is kept."""
    counts_days: Annotated[int, Meta(ge=1, le=3650)] = 400
    """Days for which hourly counts of state changes are kept."""


class Settings(Struct, forbid_unknown_fields=True, frozen=True):
    """The whole file."""

    accounts: dict[str, AccountSettings]
    bot: BotSettings = BotSettings()
    slack: SlackSettings | None = None
    teams: TeamsSettings | None = None
    access: AccessSettings = AccessSettings()
    watch: WatchSettings = WatchSettings()
    keep: KeepSettings = KeepSettings()
    alerts: AlertSettings = AlertSettings()


_OLDER_NAMES = {("alerts", "places"): "channels"}
"""Keys that were called otherwise before, by section."""
_SECTIONS: dict[str, type[Struct]] = {
    "bot": BotSettings,
    "slack": SlackSettings,
    "teams": TeamsSettings,
    "access": AccessSettings,
    "watch": WatchSettings,
    "keep": KeepSettings,
    "alerts": AlertSettings,
}


_CONVERSATIONS = {"slack": r"[CDG][A-Z0-9]+", "teams": r"\S+"}
"""What the id of a conversation looks like on each platform, as a regular expression."""


def _platforms(settings: Settings) -> list[SlackSettings | TeamsSettings]:
    """The platforms that the settings have a section for."""
    return [each for each in (settings.slack, settings.teams) if each]


def secret(variable: str, environment: Mapping[str, str] = os.environ) -> Secret:
    """The secret in an environment variable. Raises SettingsError when it is missing or empty."""
    value = environment.get(variable, "").strip()
    if not value:
        raise SettingsError([f"environment variable {variable} is missing or empty: set it to the secret"])
    return Secret(value)


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a settings file. Raises SettingsError with a line per mistake."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            [f"{path}: no such file. Write one (see the README) or name another with --settings FILE"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: not valid TOML: {error}"]) from None
    return check(raw, environment)


def check(raw: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> Settings:
    """Decode and check settings that were read. Raises SettingsError with a line per mistake."""
    raw = _with_current_names(raw)
    mistakes = list(_unknown(raw))
    if mistakes:
        raise SettingsError(mistakes)
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError([_told(error)]) from None
    mistakes = [*_values(settings), *_secrets(settings, environment)]
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _with_current_names(raw: Mapping[str, object]) -> dict[str, object]:
    """The settings with today's names: a file that was written for an older version goes on working."""
    renamed = dict(raw)
    for (section, older), newer in _OLDER_NAMES.items():
        table = renamed.get(section)
        if isinstance(table, dict) and older in table and newer not in table:
            renamed[section] = {newer if key == older else key: value for key, value in table.items()}
    return renamed


def _told(error: msgspec.ValidationError) -> str:
    """A msgspec message with the key first: ``bot.poll_seconds: Expected `int` >= 5``."""
    text = str(error)
    found = re.search(r" - at `(?:key in )?\$\.?(.*)`$", text)
    missing = re.search(r"missing required field `(\w+)`", text)
    where = found.group(1).replace("[...]", ".*") if found else ""
    if missing:
        key = ".".join(part for part in (where, missing.group(1)) if part)
        return f"{key}: is missing: add it"
    return f"{where or 'settings'}: {text[: found.start()] if found else text}"


def _unknown(raw: Mapping[str, object]) -> Iterator[str]:
    """Unknown keys with the nearest known one, before decoding (msgspec would stop at the first)."""

    def near(where: str, keys: object, struct: type[Struct]) -> Iterator[str]:
        known = struct.__struct_fields__
        for key in keys if isinstance(keys, dict) else ():
            if key not in known:
                guess = process.extractOne(key, known, score_cutoff=60)
                hint = f"did you mean {guess[0]}?" if guess else f"known: {', '.join(known)}"
                yield f"{where}{key}: unknown key: {hint}"

    yield from near("", dict(raw), Settings)
    for name, struct in _SECTIONS.items():
        yield from near(f"{name}.", raw.get(name), struct)
    accounts = raw.get("accounts")
    if isinstance(accounts, dict):
        for name, account in accounts.items():
            yield from near(f"accounts.{name}.", account, AccountSettings)


def _values(settings: Settings) -> Iterator[str]:
    """What types cannot say: addresses, zones, names."""
    if not settings.accounts:
        yield "accounts: none is given: add a table [accounts.NAME] with endpoint, subscription and resource_group"
    for name, account in settings.accounts.items():
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", name):
            yield f"accounts.{name}: a name has letters, digits, - and _, 32 at most"
        yield from _address(f"accounts.{name}.endpoint", account.endpoint)
        if account.arm_endpoint:
            yield from _address(f"accounts.{name}.arm_endpoint", account.arm_endpoint)
    yield from _bot(settings.bot)
    for channel in settings.alerts.channels:
        platform_name, _, own = channel.partition(":")
        if not re.fullmatch(_CONVERSATIONS.get(platform_name, "(?!)"), own):
            yield (
                f"alerts.channels: {channel!r} is no channel: "
                "write the channel's id, such as slack:C012AB3CD or teams:19:…"
            )
    for platform in _platforms(settings):
        yield from platform.mistakes(settings.bot)


def _bot(bot: BotSettings) -> Iterator[str]:
    try:
        ZoneInfo(bot.zone)
    except (KeyError, ValueError, OSError):
        yield f"bot.zone: {bot.zone!r} is no IANA time zone: write one such as Europe/Berlin"
    if not re.fullmatch(r"\S+:\d{1,5}", bot.listen):
        yield f"bot.listen: {bot.listen!r} is not HOST:PORT"
    if not re.fullmatch(r"[a-z0-9_-]{1,31}", bot.name):
        yield "bot.name: a slash command has a-z, 0-9, - and _, 31 at most"
    if not re.fullmatch(r"[A-Z]{3}", bot.currency):
        yield f"bot.currency: {bot.currency!r} is no currency: write its three letters, such as USD or EUR"
    if bot.prices_url:
        yield from _address("bot.prices_url", bot.prices_url)
    if bot.public_url:
        yield from _address("bot.public_url", bot.public_url)


def _address(key: str, url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host:
        yield f"{key}: {url!r} is no address: write it like https://host"
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield f"{key}: an address here has no user, query or fragment"
    elif parts.scheme == "http" and not is_loopback(host):
        yield f"{key}: http is allowed on this machine (loopback) only: use https://{host}"


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _secrets(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    needed: list[tuple[str, str]] = []
    for name, account in settings.accounts.items():
        if account.credential == "shared_key":
            needed.append((f"accounts.{name}.key_env", account.key_env))
        if account.write_credential == "shared_key":
            needed.append((f"accounts.{name}.write_key_env", account.write_key_env))
    for platform in _platforms(settings):
        needed += platform.secrets()
    for key, variable in needed:
        if not variable:
            yield f"{key}: is empty: name the environment variable that holds the secret"
        elif not environment.get(variable, "").strip():
            yield f"{key}: environment variable {variable} is missing or empty: set it to the secret"


def reference() -> Iterator[tuple[str, str, str, str]]:
    """Every key with its type, default and meaning as text: what the reference page shows."""
    sections: dict[str, type[Struct]] = {**_SECTIONS, "accounts.NAME": AccountSettings}
    for section, struct in sections.items():
        meanings = _meanings(struct)
        for info in msgspec.structs.fields(struct):
            default = "required" if info.required else f"`{_default(info)}`"
            yield f"{section}.{info.name}", _kind(get_type_hints(struct)[info.name]), default, meanings[info.name]


def _default(info: msgspec.structs.FieldInfo) -> str:
    value = info.default_factory() if info.default is msgspec.NODEFAULT else info.default
    return msgspec.json.encode(value).decode()


def _kind(hint: object) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(hint))
    return {str: "text", int: "number", list[str]: "list of texts"}.get(hint, str(hint))  # type: ignore[call-overload, no-any-return]


def _meanings(struct: type[Struct]) -> dict[str, str]:
    """The string that follows each field in the source: its documentation."""
    body = ast.parse(inspect.getsource(struct)).body[0]
    found: dict[str, str] = {}
    last = ""
    for statement in getattr(body, "body", []):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                last = name
            case ast.Expr(value=ast.Constant(value=str(text))) if last:
                found[last] = " ".join(text.split())
                last = ""
    return found
