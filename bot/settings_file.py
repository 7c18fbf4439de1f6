"""The settings file: one TOML file, read strictly, every mistake in one line that says what to do.

An unknown key is an error that names the nearest known one. The sections are in :mod:`bot.settings`, those of the
chat platforms in the platforms' packages: a section of the file that has a platform's name is that platform's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct
from rapidfuzz import process

from bot import settings_mistakes
from bot.azure.key_vault_settings import KeyVaultSettings
from bot.azure.price_settings import PriceSettings
from bot.chat.platform import PlatformSettings
from bot.chat.platforms import PLATFORMS, connectable
from bot.content.clear_text import clear
from bot.domain.knowledge import Row
from bot.domain.knowledge.own import read_own
from bot.mcp.settings import McpSettings, mcp_mistakes, token_mistakes
from bot.policy import listing
from bot.policy.approvals import ApprovalRules
from bot.policy.grants import Grants
from bot.policy.people import People
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import (
    ApprovalSettings,
    AuditSettings,
    BreakGlassSettings,
    GrantSettings,
    PersonSettings,
    approval_mistakes,
    break_glass_mistakes,
    channel_mistakes,
    grant_mistakes,
    is_email,
    is_group,
    no_id,
    person_mistakes,
)
from bot.reports.settings import BudgetSettings, ReportSettings, budget_mistakes
from bot.secrets import ENVIRONMENT, Environment
from bot.settings import (
    AccessSettings,
    AccountSettings,
    AlertSettings,
    BotSettings,
    EventsSettings,
    KeepSettings,
    KnowledgeSettings,
    SettingsError,
    TelemetrySettings,
    WatchSettings,
)
from bot.webhooks.settings import WebhookSettings, webhook_mistakes, webhook_secret_mistakes

if TYPE_CHECKING:
    from bot.azure.key_vault import Held

_Section = TypeVar("_Section", bound=PlatformSettings)


class Settings(Struct, frozen=True, kw_only=True):
    """The whole file: a field for each section, in the order of the reference page.

    ``platforms`` is no section itself: it holds those of the chat platforms that the file has one for, by their name.
    """

    accounts: dict[str, AccountSettings]
    bot: BotSettings = BotSettings()
    platforms: dict[str, PlatformSettings] = {}
    access: AccessSettings = AccessSettings()
    watch: WatchSettings = WatchSettings()
    keep: KeepSettings = KeepSettings()
    prices: PriceSettings = PriceSettings()
    alerts: AlertSettings = AlertSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    people: list[PersonSettings] = []
    grants: list[GrantSettings] = []
    approvals: list[ApprovalSettings] = []
    break_glass: BreakGlassSettings = BreakGlassSettings()
    audit: AuditSettings = AuditSettings()
    budgets: list[BudgetSettings] = []
    reports: ReportSettings = ReportSettings()
    webhooks: list[WebhookSettings] = []
    mcp: list[McpSettings] = []
    telemetry: TelemetrySettings = TelemetrySettings()
    key_vault: KeyVaultSettings = KeyVaultSettings()

    def policy(self) -> Policy:
        """The policy that these settings make."""
        break_glass = self.break_glass
        if not break_glass.conversation:
            break_glass = msgspec.structs.replace(break_glass, conversation=self.audit.conversation)
        return Policy(
            Access(self.access, People(self.people)),
            Grants(self.grants),
            ApprovalRules(self.approvals),
            break_glass,
        )

    def groups(self, platform: str) -> frozenset[str]:
        """The ids of the groups on a platform, without its name, that grant or deny anything to whoever is in them."""
        named = {*self.access.viewers, *self.access.operators, *self.access.admins, *self.break_glass.people}
        named.update(*(grant.to for grant in self.grants), *(rule.approvers for rule in self.approvals))
        prefix = f"{platform}:"
        return frozenset(each.removeprefix(prefix) for each in named if each.startswith(prefix) and is_group(each))

    def allowed(self) -> Iterator[str]:
        """Who may do what by these settings, a line each."""
        return listing.lines(self.access, People(self.people), self.grants, self.approvals, self.break_glass)

    def platform(self, section: type[_Section]) -> _Section | None:
        """The section of one chat platform by its type; None where the file has none."""
        return next((each for each in self.platforms.values() if isinstance(each, section)), None)


_OLDER_NAMES = {("alerts", "places"): "channels"}
"""Keys that were called otherwise before, by section."""


_MISSING = ": is missing: add it"
LISTS = ("people", "grants", "approvals", "budgets", "webhooks", "mcp")
"""Sections that a file may have several of, each ``[[…]]``."""


def sections() -> dict[str, type[Struct]]:
    """Every section that a file may have besides its accounts, by name, in the order of the reference page."""
    found: dict[str, type[Struct]] = {}
    for name, section in get_type_hints(Settings).items():
        if name == "platforms":
            found |= {platform: each.settings for platform, each in connectable().items()}
        elif name in LISTS:
            (found[name],) = get_args(section)
        elif name != "accounts":
            found[name] = section
    return found


Use = Literal["run", "ask", "read"]
"""What settings are read for: to run the bot, to answer somebody in a terminal, which needs no chat platform and none
of its secrets, or only to be read, which needs no secret at all.
"""


_DEEP = "it is nested more deeply than settings are"


def load(path: Path, environment: Mapping[str, str] = ENVIRONMENT, *, use: Use = "run") -> Settings:
    """Read and check a settings file. Raises SettingsError with a line per mistake, all of them at once.

    An :class:`Environment` has what key vaults hold from then on, where nothing is wrong. Waits for these vaults.
    """
    try:
        typed, written = settings_mistakes.text_of(path.read_bytes())
        raw = tomllib.loads(typed)
    except FileNotFoundError:
        raise SettingsError(
            [f"{path}: no such file. Have one written by batchbot init, or name another with --settings FILE"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        marked = [f"{path}: {each}" for each in written]
        raise SettingsError(
            [clear(each) for each in (*marked, f"{path}: {settings_mistakes.of_toml(error)}")]
        ) from None
    except RecursionError:
        raise SettingsError([f"{path}: {_DEEP}"]) from None
    mistakes = [f"{path}: {each}" for each in written]
    settings = None
    try:
        settings = check(raw, environment, use=use)
        own_causes(settings, path)
    except SettingsError as error:
        mistakes += error.lines
    except RecursionError:  # TOML's own reader has no limit for tables
        raise SettingsError([f"{path}: {_DEEP}"]) from None
    if use == "run":
        if not connectable().keys() & raw.keys():
            sections_ = " or ".join(f"[{name}]" for name in connectable())
            mistakes.append(f"neither chat platform has a section: add {sections_}")
        bot = raw.get("bot")
        database = bot.get("database") if isinstance(bot, dict) else None
        mistakes += settings_mistakes.database_mistakes(database) if isinstance(database, str) else ()
    if mistakes or settings is None:
        raise SettingsError(mistakes)
    return settings


def own_causes(settings: Settings, path: Path) -> tuple[Row, ...]:
    """A team's own causes by a settings file that lies at ``path``. Raises SettingsError with a line per mistake."""
    return read_own(path.parent / settings.knowledge.file) if settings.knowledge.file else ()


def check(raw: Mapping[str, object], environment: Mapping[str, str] = ENVIRONMENT, *, use: Use = "run") -> Settings:
    """Decode and check settings that were read. Raises SettingsError with a line per mistake."""
    raw = _with_current_names(raw)
    mistakes = [*_unknown(raw), *settings_mistakes.pasted(raw), *settings_mistakes.placeholders(raw)]
    settings = _decoded(raw, mistakes)
    given = environment if isinstance(environment, Environment) else Environment(environment)
    read, unread = _from_vaults(settings, given, use)
    tried = given.instead(read)
    found = [*_values(settings), *unread, *_secrets(settings, tried, use)]
    meant = {(each.rpartition(".")[0], each.partition("did you mean ")[2].rstrip("?")) for each in mistakes}
    mistakes = [
        each
        for each in mistakes
        if not each.endswith(_MISSING) or tuple(each.removesuffix(_MISSING).rpartition(".")[::2]) not in meant
    ]
    filled_in = {each.partition(": ")[0] for each in mistakes}  # a key is told of once, by what is plainest about it
    mistakes += [each for each in found if each.partition(": ")[0] not in filled_in]
    if mistakes:
        raise SettingsError(settings_mistakes.unsaid(mistakes, raw))
    if use != "read":
        given.take(read)
    return settings


def _decoded(raw: Mapping[str, object], mistakes: list[str]) -> Settings:
    """The sections by their types, as far as they fit; a line for each key that does not is added to ``mistakes``."""
    known, found = sections(), dict[str, Any](accounts={}, **{name: [] for name in LISTS})
    fit = settings_mistakes.fitting
    if "accounts" not in raw:
        mistakes.append("accounts: is missing: add a table [accounts.NAME]")
    elif raw["accounts"] == {}:
        mistakes.append(
            "accounts: none is given: add a table [accounts.NAME] with endpoint, subscription, resource_group"
        )
    for name, section in raw.items():
        kind = AccountSettings if name == "accounts" else known.get(name)
        if kind is None:
            continue
        many, listed = name == "accounts", name in LISTS
        if not isinstance(section, list if listed else dict):
            mistakes.append(f"{name}: is not a table: write {f'[[{name}]]' if listed else f'[{name}]'} above its keys")
            continue
        tables = section.items() if isinstance(section, dict) else enumerate(section, 1)
        for place, table in tables if many or listed else [("", section)]:
            where = f"{name}.{place}" if many else f"{name} {place}" if listed else name
            if not isinstance(table, dict):
                mistakes.append(f"{where}: is not a table: write [{where}] above its keys")
                continue
            keys = {key: value for key, value in table.items() if key in kind.__struct_fields__}
            if (made := fit(kind, keys, where, mistakes)) is None:
                continue
            if many:
                found["accounts"][place] = made
            elif listed:
                found[name].append(made)
            else:
                found[name] = made
    platforms = {name: found.pop(name) for name in connectable() if name in found}
    return Settings(**found, platforms=platforms)


def _with_current_names(raw: Mapping[str, object]) -> dict[str, object]:
    """The settings with today's names: a file that was written for an older version goes on working."""
    renamed = dict(raw)
    for (section, older), newer in _OLDER_NAMES.items():
        table = renamed.get(section)
        if isinstance(table, dict) and older in table and newer not in table:
            renamed[section] = {newer if key == older else key: value for key, value in table.items()}
    return renamed


def _unknown(raw: Mapping[str, object]) -> Iterator[str]:
    """Unknown keys with the nearest known one, before decoding (msgspec would stop at the first)."""

    def near(where: str, keys: object, known: Collection[str]) -> Iterator[str]:
        for key in keys if isinstance(keys, dict) else ():
            if key not in known:
                guess = process.extractOne(key, known, score_cutoff=60)
                hint = f"did you mean {guess[0]}?" if guess else f"known: {', '.join(known)}"
                yield f"{where}{key}: unknown key: {hint}"

    yield from near("", dict(raw), ["accounts", *sections()])
    for name, section in sections().items():
        given = raw.get(name)
        if name not in LISTS:
            yield from near(f"{name}.", given, section.__struct_fields__)
        for number, each in enumerate(given if name in LISTS and isinstance(given, list) else (), 1):
            yield from near(f"{name} {number}.", each, section.__struct_fields__)
    accounts = raw.get("accounts")
    if isinstance(accounts, dict):
        for name, account in accounts.items():
            yield from near(f"accounts.{name}.", account, AccountSettings.__struct_fields__)
            events = account.get("events") if isinstance(account, dict) else None
            yield from near(f"accounts.{name}.events.", events, EventsSettings.__struct_fields__)


def _values(settings: Settings) -> Iterator[str]:
    """What types cannot say: addresses, zones, names."""
    yield from settings_mistakes.same_accounts({name: each.endpoint for name, each in settings.accounts.items()})
    for name, account in settings.accounts.items():
        yield from account.mistakes(name)
    yield from settings.bot.mistakes()
    yield from settings.prices.mistakes()
    access = settings.access
    for key, people in (("viewers", access.viewers), ("operators", access.operators), ("admins", access.admins)):
        for person in people:
            name, _, own = person.partition(":")
            if is_email(person):
                yield no_id(f"access.{key}", person)
            elif name not in PLATFORMS or not own or (own.startswith("group:") and not is_group(person)):
                yield f"access.{key}: {person!r} is not an id: write PLATFORM:ID; platforms: {', '.join(PLATFORMS)}"
    if settings.bot.operators:
        yield from channel_mistakes("bot.operators", settings.bot.operators)
    for channel in settings.alerts.channels:
        yield from channel_mistakes("alerts.channels", channel)
    for channel, who in settings.alerts.on_call.items():
        name, (of, _, person) = channel.partition(":")[0], who.partition(":")
        if wrong := list(channel_mistakes("alerts.on_call", channel)):
            yield from wrong
        elif of != name or not person:
            yield f"alerts.on_call: {who!r} is nobody whom {channel!r} could mention: write {name}:ID"
        elif name == "slack" and not re.fullmatch("[UWS][A-Z0-9]+", person):
            yield f"alerts.on_call: {who!r} is no user and no user group of Slack: write slack:U… or slack:S…"
    for section in settings.platforms.values():
        yield from section.mistakes(settings.bot)
    names = list(settings.accounts)
    yield from person_mistakes(settings.people)
    yield from grant_mistakes(settings.grants, names)
    yield from approval_mistakes(settings.approvals, names)
    yield from break_glass_mistakes(settings.break_glass, settings.audit)
    yield from budget_mistakes(settings.budgets, names)
    yield from webhook_mistakes(settings.webhooks)
    yield from mcp_mistakes(settings.mcp)
    yield from settings.telemetry.mistakes()
    yield from settings.key_vault.mistakes()


def named_secrets(settings: Settings, use: Use = "run") -> list[tuple[str, str]]:
    """Keys that name a variable which has to hold a secret, and the variable."""
    if use == "read":
        return []
    named = list(settings.bot.secrets())
    for name, account in settings.accounts.items():
        named += account.secrets(name)
    if use != "run":
        return named
    for section in settings.platforms.values():
        named += section.secrets()
    for number, webhook in enumerate(settings.webhooks, 1):
        named += webhook.secrets(f"webhooks {number}")
    for number, asker in enumerate(settings.mcp, 1):
        named += asker.secrets(number)
    return [*named, *settings.telemetry.secrets()]


def vaulted(settings: Settings, environment: Environment, use: Use = "run") -> list[Held]:
    """What key vaults hold of the secrets that are needed and that the process was not given. Waits for them.

    Raises SettingsError where their client is not installed.
    """
    needed = dict.fromkeys(variable for _, variable in named_secrets(settings, use))
    asked = [each for each in needed if each in settings.key_vault.secrets and not environment.gives(each)]
    if not asked or [*settings.key_vault.mistakes()]:
        return []
    try:
        from bot.azure.key_vault import read  # noqa: PLC0415 - an extra, and settings are read before Azure is loaded
    except ImportError:
        raise SettingsError(["key_vault: its library is not installed: pip install 'batchbot[keyvault]'"]) from None
    return list(read(settings.key_vault, asked))


def _from_vaults(settings: Settings, given: Environment, use: Use) -> tuple[dict[str, str], list[str]]:
    """Secrets by their variable, and the lines of those that could not be read."""
    try:
        found = vaulted(settings, given, use)
    except SettingsError as error:
        return {}, error.lines
    return {each.variable: each.value for each in found if each.value}, [each.wrong for each in found if each.wrong]


def _secrets(settings: Settings, environment: Environment, use: Use) -> Iterator[str]:
    unset: list[str] = []
    for key, variable in named_secrets(settings, use):
        lines = [*settings_mistakes.unset(key, variable, environment)]
        unset += lines
        if variable not in settings.key_vault.secrets or environment.gives(variable):  # else the vault's line says why
            yield from lines
    if use == "run":
        yield from webhook_secret_mistakes(settings.webhooks, environment, unset)
        yield from token_mistakes(settings.mcp, environment)
