"""Make a new key in place of one that an account has. The bot shows no key, and touches none that it uses itself."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.azure.models.resource import AccountKeys
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.azure.writes import managed
from bot.azure.writes.managed import KeyName
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import code, text
from cards.card import Button, Card, Words
from cards.command_line import command as command_line
from cards.command_line import join
from handlers.account.owning import asking_owner, blocked_by_key, explained

_OTHER: dict[KeyName, KeyName] = {"primary": "secondary", "secondary": "primary"}


class Regeneration(Struct, frozen=True):
    """Which key of which account, by its name in the settings."""

    account: str
    key: KeyName


async def preflight(ctx: Context, account: str, key: KeyName) -> Preflight:
    """Refuses the key that the bot uses itself, and says whom the new one locks out."""
    source = ctx.account(account)
    if stopped := blocked_by_key(source):
        return stopped
    if source.writer is None:
        raise AssertionError("checked above")
    try:
        used = uses(ctx.accounts, source, await managed.list_keys(source.writer))
    except AzureError as error:
        if why := _keyless(error) or explained(error):
            return Preflight(why)
        raise
    if key in used:
        other = _OTHER[key]
        fix = Fix(f"Choose {other}", command_line("account regenerate-key", source.name, other))
        return Preflight(
            f"The bot itself uses the {key} key of {source.name}: with a new one it would lock itself out. Let the bot "
            f"use the {other} key first.",
            fixes=() if other in used else (fix,),
        )
    return Preflight(
        effects=(
            f"Whatever signs with the {key} key of {source.settings.batch_name} is locked out at once: programs, "
            "scripts, and clients on people's machines.",
            f"The {_OTHER[key]} key stays as it is"
            + (", and is the one that the bot uses." if _OTHER[key] in used else ". The bot uses neither."),
            "The new key is not shown here.",
        ),
        state=f"{source.settings.batch_name} {key} {sorted(used)}",
        name=source.settings.batch_name,
        question=f"Replace the {key} key of account {source.settings.batch_name}",
    )


@command(
    "account regenerate-key",
    effect="destroy",
    azure=True,
    check="account show {account}",
    preflight=preflight,
    examples=["account regenerate-key sim-dev secondary"],
)
async def regenerate(ctx: Context, account: str, key: KeyName) -> AsyncIterator[Card]:
    """Make a new key in place of the account's primary or secondary one. It is never shown.

    The key that the bot itself uses is refused.

    :param account: the account, by its name in the settings
    :param key: which of the two
    """
    source = ctx.account(account)
    asked = Regeneration(source.name, key)
    async for card in ctx.operate(
        "account regenerate-key", source, f"{key} key of {source.settings.batch_name}", asked
    ):
        yield card


@workflow("account regenerate-key", Regeneration, "Making a new {}")
async def regenerating(run: Run, asked: Regeneration) -> Outcome:
    """Ask for it once. Whether it happened is told by the key, of which nothing is kept but a hash."""

    async def now() -> str:
        keys = await managed.list_keys(run.writer)
        if run.account.signs_with(_of(keys, asked.key)):
            raise Failure(f"The bot itself uses the {asked.key} key by now: with a new one it would lock itself out.")
        return _hash(run.writer, _of(keys, asked.key))

    async def landed() -> bool:
        keys = await managed.list_keys(run.writer)
        return _hash(run.writer, _of(keys, asked.key)) != before

    def send() -> Awaitable[Written]:
        return managed.regenerate_key(run.writer, asked.key)

    async with asking_owner():
        before = await run.once("before", str, now)
        await run.write("regenerate", f"Ask Azure for a new {asked.key} key", send, landed=landed)
    own = run.account.settings
    read = ["az", "batch", "account", "keys", "list", "--name", own.batch_name, "--resource-group", own.resource_group]
    return Outcome(
        f"Account {own.batch_name} has a new {asked.key} key",
        (Words(text("It is not shown here. Whoever may read it: ", code(join(read)))),),
        (Button("Open account", command_line("account show", asked.account), style="primary"),),
        after=f"new {asked.key} key",
    )


def uses(accounts: Accounts, source: Account, keys: AccountKeys) -> set[KeyName]:
    """Which keys of an account the bot uses, by whichever name the settings have it."""
    same = [each for each in accounts if each.settings.endpoint.rstrip("/") == source.settings.endpoint.rstrip("/")]
    names: tuple[KeyName, ...] = ("primary", "secondary")
    return {name for name in names if any(each.signs_with(_of(keys, name)) for each in same)}


def _of(keys: AccountKeys, name: KeyName) -> str:
    return keys.primary if name == "primary" else keys.secondary


def _hash(writer: Writer, key: str) -> str:
    """What is kept of a key, which is 64 random bytes: enough to see that it has changed, and nothing to find it by."""
    return hashlib.sha256(f"{writer.resource}\0{key}".encode()).hexdigest()


def _keyless(error: AzureError) -> str:
    """Said where the account takes no keys at all; empty for other refusals."""
    if error.status == 403 and "shared key" in " ".join(error.values.values()).lower():
        return "This account takes no keys: only Entra ID identities (allowedAuthenticationModes)."
    return ""
