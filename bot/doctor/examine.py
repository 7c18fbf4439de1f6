"""Everything that is looked at, and how: beside one another, each for some seconds, none hiding another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.credentials import Credentials
from bot.azure.event_hub import EventHub
from bot.chat.request import Conversation
from bot.chat.slack.settings import SlackSettings
from bot.chat.teams.settings import TeamsSettings
from bot.content.clear_text import clear
from bot.doctor import accounts, permissions, reach
from bot.doctor.events import SECONDS as EVENTS_SECONDS
from bot.doctor.events import event_hub
from bot.doctor.finding import Finding, Look, broken, cleared, code_of, look
from bot.doctor.mend import others_write, readable_secrets
from bot.doctor.slack import SlackLooks
from bot.doctor.storage import look_into, storage
from bot.doctor.teams import TeamsLooks
from bot.doctor.webhooks import webhook_look
from bot.settings import AccountSettings, SettingsError, writing
from bot.settings_file import Settings
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.look import StoreLook

_STORAGE_SECONDS = 45.0


async def examine(
    settings: Settings, settings_file: Path, environment: Mapping[str, str], *, probe: bool
) -> list[Finding]:
    """All that was found, without secrets, in the order of the settings file.

    ``probe`` posts a line in each Slack channel and deletes it, and sends each webhook an event that tells nothing.
    """
    found: list[Finding] = []
    if others_write(settings_file):
        told = f"more people than its owner can write {settings_file}, and so say who is an admin"
        found.append(look("settings: file mode", told, "chmod go-w, or run batchbot doctor --fix"))
    if readable := readable_secrets(settings, environment):
        told = f"everybody on this machine can read {', '.join(map(str, readable))}"
        found.append(look("settings: secret files", told, "chmod 600, or run batchbot doctor --fix"))
    credentials = Credentials(environment)
    opened: list[Account] = []
    seen = asyncio.ensure_future(asyncio.to_thread(look_into, settings.bot, environment))
    try:
        looks = [
            *_of_accounts(settings, credentials, opened, found),
            Look("prices", lambda: reach.prices(settings.bot.prices_url)),
            *_of_chats(settings, environment, await _stored(seen), probe=probe),
            Look("storage", lambda: storage(settings.bot.database, seen), _STORAGE_SECONDS),
            Look("public address", lambda: _public(settings, seen)),
            *(webhook_look(each, environment, probe=probe) for each in settings.webhooks),
        ]
        for each in await asyncio.gather(*map(looked, looks)):
            found += each
    finally:
        await asyncio.wait([seen])
        for account in opened:
            await account.close()
        await credentials.close()
    return [cleared(each) for each in found]


async def looked(what: Look) -> list[Finding]:
    """What a look found; a look that hangs or breaks down is a finding itself. Never raises."""
    try:
        async with asyncio.timeout(what.seconds):
            return await what.work()
    except TimeoutError:
        return [broken(what.what, f"no answer within {what.seconds:g} s", "check the network, and look again")]
    except Exception as error:
        # Whatever is wrong with one thing, the others are told of.
        told = f"looking at it failed: {type(error).__name__}: {clear(str(error))[:200]}"
        return [broken(what.what, told, "this is a mistake of batchbot: please report it")]


def _of_accounts(
    settings: Settings, credentials: Credentials, opened: list[Account], found: list[Finding]
) -> Iterator[Look]:
    """The looks at each account as each of its identities reaches it. Accounts go to ``opened`` to be closed."""
    for name, section in settings.accounts.items():
        what = f"account {name}"
        try:
            reader = _opened(name, replace(section, write_credential=""), credentials, opened)
        except SettingsError as error:
            found.append(broken(f"{what}: sign-in", "; ".join(error.lines)))
            continue
        yield _of_reader(reader, credentials, what)
        if not section.write_credential:
            continue
        theirs = replace(writing(section), write_credential="")
        try:
            writer = _opened(name, theirs, credentials, opened)
        except SettingsError as error:
            found.append(broken(f"{what}: sign-in to change it", "; ".join(error.lines)))
            continue
        yield _of_writer(writer, credentials, what)


def _opened(name: str, section: AccountSettings, credentials: Credentials, opened: list[Account]) -> Account:
    opened.append(Account(name, section, credentials))
    return opened[-1]


def _of_reader(account: Account, credentials: Credentials, what: str) -> Look:
    sign_in, may = f"{what}: sign-in", f"{what}: may read"
    then = [
        Look(f"{what}: data plane", lambda: accounts.data_plane(account, f"{what}: data plane")),
        Look(f"{what}: control plane", lambda: accounts.control_plane(account, f"{what}: control plane")),
    ]
    if account.arm is not None:
        then += [
            Look(may, lambda: permissions.reading(account, credentials, may)),
            Look(may, lambda: permissions.of_the_subscription(account, credentials, may)),
        ]
    if (of_events := account.settings.events) is not None:
        token, events = credentials.token(account.settings), f"{what}: diagnostic events"
        hub = EventHub(of_events, token)
        then.append(Look(events, lambda: event_hub(hub, token, events), EVENTS_SECONDS))
    return _after(Look(sign_in, lambda: accounts.sign_in(account, credentials, sign_in)), then)


def _of_writer(account: Account, credentials: Credentials, what: str) -> Look:
    sign_in, may = f"{what}: sign-in to change it", f"{what}: may change"
    then = Look(may, lambda: permissions.changing(account, credentials, may))
    if account.arm is None:  # of a key the permissions tell
        return then
    return _after(Look(sign_in, lambda: accounts.sign_in(account, credentials, sign_in, changing=True)), [then])


def _after(sign_in: Look, then: list[Look]) -> Look:
    """What is looked at once somebody is signed in: without that, all of it would fail with the same words."""

    async def work() -> list[Finding]:
        found = await looked(sign_in)
        if code_of(found) == 0:
            for each in await asyncio.gather(*map(looked, then)):
                found += each
        return found

    return Look(sign_in.what, work, sign_in.seconds + max(each.seconds for each in then))


async def _stored(seen: asyncio.Future[StoreLook | None]) -> StoreLook:
    """What the database tells of conversations; nothing where it cannot be read, which the storage's look says."""
    try:
        async with asyncio.timeout(_STORAGE_SECONDS):
            return await asyncio.shield(seen) or StoreLook()
    except (StoreError, TimeoutError):
        return StoreLook()


def _of_chats(settings: Settings, environment: Mapping[str, str], stored: StoreLook, *, probe: bool) -> Iterator[Look]:
    named = [
        *settings.alerts.channels,
        settings.bot.operators,
        settings.audit.conversation,
        settings.break_glass.conversation,
        *stored.channels,
    ]
    if (chosen := settings.platform(SlackSettings)) is not None:
        slack = SlackLooks(chosen, environment, probe=probe)
        yield Look("slack: bot", slack.app)
        if chosen.mode == "socket":
            yield Look("slack: Socket Mode", slack.socket)
        for id_ in _ids("slack", named):
            yield Look(f"slack: channel {id_}", lambda id_=id_: slack.channel(id_))  # type: ignore[misc]
    if (section := settings.platform(TeamsSettings)) is not None:
        teams = TeamsLooks(section, environment, asks_graph=bool(settings.groups("teams")))
        wanted = _ids("teams", named)
        rows = [each for each in stored.conversations if each.platform == "teams" and each.reachable]
        known = [found for each in rows if (found := decoded(each.body, Conversation))]
        yield Look("teams: registration", teams.registration)
        yield Look("teams: conversations", lambda: teams.conversations(known, wanted), _STORAGE_SECONDS)


def _ids(platform: str, named: list[str]) -> list[str]:
    """The conversations of a platform, each once; direct messages are nobody's to write to here."""
    ids = (each.removeprefix(f"{platform}:") for each in named if each.startswith(f"{platform}:"))
    return [id_ for id_ in dict.fromkeys(ids) if not (platform == "slack" and id_[:1] in "DUW")]


async def _public(settings: Settings, seen: asyncio.Future[StoreLook | None]) -> list[Finding]:
    return await reach.public_url(settings, running=bool((await _stored(seen)).holder))
