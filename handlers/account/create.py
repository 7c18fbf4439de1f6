"""Make a Batch account in the subscription of one that the settings name."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.azure import subscription
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import BatchAccountResource
from bot.azure.plane import Written
from bot.azure.writes import managed
from bot.operations.preflight import Difference, Preflight
from bot.operations.run import Run, Status
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.settings import Cloud
from cards.build import code, facts, text
from cards.card import Button, Card, Code, Facts, Words
from cards.formatting import number
from handlers.account.owning import asking_owner, blocked_by_key, explained
from handlers.shared.common import line, section, tail

Mode: TypeAlias = Literal["batch", "user"]
MODES: dict[Mode, str] = {"batch": "Batch service", "user": "user subscription"}
"""In whose subscription the nodes are."""
_AZURE_MODES: dict[Mode, str] = {"batch": "BatchService", "user": "UserSubscription"}
_NAME = re.compile(r"[a-z0-9]{3,24}")
_POLL = 15.0
"""Seconds between two questions; Azure asks for no others since 2018."""
_LONGEST = timedelta(minutes=30)
COSTS_NOTHING = "The account itself costs nothing: what costs are the nodes of its pools."
_VAULTS: dict[Cloud, str] = {"public": "vault.azure.net", "usgov": "vault.usgovcloudapi.net", "china": "vault.azure.cn"}
"""The end of a key vault's host name, by cloud."""
_NAMED = 12
"""Names that a refusal lists at most."""


@dataclass(frozen=True)
class Place:
    """Where an account is to be: resource group and region, by their names."""

    group: str
    region: str


class Creation(Struct, frozen=True):
    """What was asked for: ``storage`` and ``vault`` are resource ids, empty for none. ``home`` is a command."""

    name: str
    group: str
    region: str
    mode: Mode
    storage: str
    vault: str
    home: str


def place(source: Account, group: str | None, region: str | None) -> Place:
    """What was asked for; the account's own where nothing was."""
    return Place(group or source.settings.resource_group, subscription.short(region or source.settings.location))


def wrong_with(name: str) -> str:
    """Why no account may have that name; empty where one may ("Batch account: naming rules")."""
    if _NAME.fullmatch(name):
        return ""
    return "An account's name has 3 to 24 lower-case letters and digits."


async def preflight(
    ctx: Context,
    name: str,
    *,
    group: str | None = None,
    region: str | None = None,
    mode: Mode = "batch",
    storage: str | None = None,
    vault: str | None = None,
    account: str | None = None,
) -> Preflight:
    """Whether the name is free, the place is there and has room, and what belongs together is given."""
    source = ctx.account(account)
    if stopped := blocked_by_key(source):
        return stopped
    if wrong := wrong_with(name) or _incomplete(mode, vault):
        return Preflight(wrong)
    wanted = place(source, group, region)
    try:
        return await _looked(source, name, wanted, mode)
    except AzureError as error:
        if why := explained(error):
            return Preflight(why)
        raise


async def _looked(source: Account, name: str, wanted: Place, mode: Mode) -> Preflight:
    """What Azure knows of the place and the name."""
    if stopped := await _no_place(source, wanted):
        return stopped
    if (there := await subscription.batch_account(source, wanted.group, name)) is not None:
        return Preflight(_exists(there, wanted))
    if source.writer and not (free := await managed.check_name(source.writer, wanted.region, name)).name_available:
        return Preflight(free.message or f"The name {name} is taken.")
    has, may = await subscription.accounts_in(source, wanted.region)
    if has >= may:
        return Preflight(
            f"The subscription has {has} Batch accounts in {wanted.region}, and may have {may}. Take another region, "
            "delete an account, or ask Azure for more."
        )
    return Preflight(
        effects=(COSTS_NOTHING,),
        differences=(Difference(f"Batch accounts in {wanted.region}", f"{has} of {may}", f"{has + 1} of {may}"),),
        state=f"{wanted} {mode}",
    )


@command(
    "account create",
    effect="change",
    azure=True,
    check="account list",
    preflight=preflight,
    names={"name": "account"},
    examples=["account create renderfarm", "account create renderfarm group:render-rg region:westeurope"],
)
async def create(
    ctx: Context,
    name: str,
    *,
    group: str | None = None,
    region: str | None = None,
    mode: Mode = "batch",
    storage: str | None = None,
    vault: str | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Make a new Batch account.

    It is made in the subscription of an account that the settings name, with its writing identity.

    :param name: 3 to 24 lower-case letters and digits; no other account of the region may have it
    :param group: the resource group, which has to be there; that of the account where it is left out
    :param region: the region, such as westeurope; that of the account where it is left out
    :param mode: in whose subscription the nodes are: batch is the service's, user is yours, with a key vault
    :param storage: a storage account for application packages, by its name in the group or its resource id
    :param vault: the key vault of user mode, by its name in the group or its resource id
    :param account: the account of the settings in whose subscription it is made
    """
    source = ctx.account(account)
    wanted = place(source, group, region)
    asked = Creation(
        name,
        wanted.group,
        wanted.region,
        mode,
        _resource(source, wanted.group, "Microsoft.Storage/storageAccounts", storage),
        _resource(source, wanted.group, "Microsoft.KeyVault/vaults", vault),
        line(ctx, source, "home"),
    )
    async for card in ctx.operate("account create", source, name, asked):
        yield card


@workflow("account create", Creation, "Creating Batch account {}")
async def creating(run: Run, asked: Creation) -> Outcome:
    """Ask for it, and follow until it is there. That Azure refuses is found out on the way as well."""

    async def there() -> BatchAccountResource | None:
        return await subscription.batch_account(run.account, asked.group, asked.name)

    async def exists() -> bool:
        return await there() is not None

    async def landed() -> bool:
        """It is there, or its name is taken since: by the account that is being made."""
        return await exists() or not (await managed.check_name(run.writer, asked.region, asked.name)).name_available

    def send() -> Awaitable[Written]:
        return managed.create_account(run.writer, asked.group, asked.name, body_of(run.account, asked))

    if await run.once("exists", bool, exists):  # a PUT would change it
        found = await there()
        place_ = Place(asked.group, asked.region)
        raise Failure(
            _exists(found, place_) if found else f"Account {asked.name} was created, and has been deleted since."
        )
    async with asking_owner():
        location = await run.write("create", "Ask Azure for the account", send, landed=landed)
        await run.until(
            "made", "Wait until it is there", lambda: _made(run, asked, location), every=_POLL, longest=_LONGEST
        )
        made = await there()
    if made is None:
        raise Failure(f"Azure said that account {asked.name} is made, and does not show it. Look in the portal.")
    return Outcome(
        f"Batch account {made.name} is there",
        (
            *section("What it is", _facts(made, asked)),
            *section(
                "To let the bot watch it",
                Words(text("Put this into the bot's settings, and start it again:")),
                Code(settings_of(run.account, made, asked.group)),
            ),
        ),
        (Button("All accounts", "account list"), Button("Home", asked.home)),
        after=f"{made.name} in {asked.group}, {asked.region}",
    )


async def _made(run: Run, asked: Creation, location: str) -> Status:
    """How far Azure is. Why it could not be made is answered here: AzureError."""
    since = int((run.clock.now() - run.row.started).total_seconds())
    waiting = Status(False, f"{since // 60}:{since % 60:02} so far, 1 minute as a rule")
    if location:
        try:
            if (await run.writer.poll(location)).status == 202:
                return waiting
        except AzureError as error:
            if not error.not_found:  # the address is good for a while only; the account itself is looked at then
                raise
    made = await subscription.batch_account(run.account, asked.group, asked.name)
    state = made.properties.provisioning_state.lower() if made else ""
    if state in ("failed", "cancelled", "invalid"):
        raise Failure(f"Azure could not make account {asked.name}: it is {state}.")
    return Status(True) if state == "succeeded" else waiting


def body_of(source: Account, asked: Creation) -> dict[str, object]:
    """What is asked of Resource Manager."""
    properties: dict[str, object] = {"poolAllocationMode": _AZURE_MODES[asked.mode]}
    if asked.storage:
        properties["autoStorage"] = {"storageAccountId": asked.storage}
    if asked.vault:
        url = f"https://{tail(asked.vault)}.{_VAULTS[source.settings.cloud]}/"
        properties["keyVaultReference"] = {"id": asked.vault, "url": url}
    return {"location": asked.region, "properties": properties}


def settings_of(source: Account, made: BatchAccountResource, group: str) -> str:
    """The part of the settings that lets the bot watch and change an account as it does ``source``."""
    own = source.settings
    lines = [
        f"[accounts.{made.name}]",
        f'endpoint = "https://{made.properties.account_endpoint}"',
        f'subscription = "{own.subscription}"',
        f'resource_group = "{group}"',
    ]
    if own.credential != "shared_key":
        lines.append(f'credential = "{own.credential}"')
    more = {key: getattr(own, key) for key in ("client_id", "write_credential", "write_client_id")}
    lines += [f'{key} = "{value}"' for key, value in more.items() if value]
    if own.cloud != "public":
        lines.append(f'cloud = "{own.cloud}"')
    return "\n".join(lines)


async def _no_place(source: Account, wanted: Place) -> Preflight | None:
    """The refusal where there is no such group or region; None where there is, or where that cannot be known."""
    groups = [group.name for group in await subscription.resource_groups(source)]
    if wanted.group.lower() not in map(str.lower, groups):
        return Preflight(f"There is no resource group “{wanted.group}”. There are: {some_names(groups)}.")
    regions = await subscription.regions(source)
    if wanted.region not in regions:
        return Preflight(f"Batch is not in a region “{wanted.region}”. It is in: {some_names(regions)}.")
    return None


def some_names(names: Sequence[str]) -> str:
    """The first few of many names."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _incomplete(mode: Mode, vault: str | None) -> str:
    """What does not go together; empty where all does."""
    if mode == "user" and not vault:
        return "An account with nodes in your subscription keeps its secrets in a key vault: name one with vault:NAME."
    if mode == "batch" and vault:
        return "Only an account of mode:user has a key vault."
    return ""


def _resource(source: Account, group: str, kind: str, named: str | None) -> str:
    """A resource id: of a resource of that name in the group, where no id was given."""
    if not named or named.startswith("/"):
        return named or ""
    return f"/subscriptions/{source.settings.subscription}/resourceGroups/{group}/providers/{kind}/{named}"


def _exists(there: BatchAccountResource, wanted: Place) -> str:
    state = there.properties.provisioning_state.lower()
    known = f", and is {state}" if state != "succeeded" else ""
    return f"Account {there.name} exists already: it is in {wanted.group}, {subscription.short(there.location)}{known}."


def _facts(made: BatchAccountResource, asked: Creation) -> Facts | None:
    quota = made.properties
    return facts(
        ("Endpoint", code(quota.account_endpoint)),
        ("Resource group", asked.group),
        ("Region", subscription.short(made.location)),
        ("Nodes are in", MODES[asked.mode]),
        ("Dedicated cores", None if quota.dedicated_core_quota is None else number(quota.dedicated_core_quota)),
        ("Spot cores", None if quota.low_priority_core_quota is None else number(quota.low_priority_core_quota)),
        ("Pools", None if quota.pool_quota is None else number(quota.pool_quota)),
        ("Storage", tail(asked.storage) if asked.storage else "none: packages of applications need one"),
    )
