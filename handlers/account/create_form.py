"""The form of a new Batch account: the name is checked while it is typed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from bot.azure import subscription
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models.resource import NameAvailability
from bot.azure.writes import managed
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Field, Mark, Note, Option
from handlers.account.create import COSTS_NOTHING, MODES, place, wrong_with
from handlers.account.owning import blocked_by_key, explained

_PAUSE = 0.4
"""Seconds without a further letter after which a name is checked."""
_KEPT = 60.0
"""Seconds for which an answer about a name holds: each question counts as a write of the subscription."""


@dataclass
class _Checks:
    """What was asked about names in one subscription: each person's newest name, and answers with their end."""

    newest: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[float, NameAvailability]] = field(default_factory=dict)


_checks: WeakKeyDictionary[Account, _Checks] = WeakKeyDictionary()


@form_of(
    "account create",
    Field("name", "Name", refresh=True),
    Field("group", "Resource group", "choice", refresh=True),
    Field("region", "Region", "choice", refresh=True),
    Field(
        "mode",
        "Where the nodes are",
        "choice",
        options=(
            Option("in Azure's own subscription (Batch service)", "batch"),
            Option("in your subscription", "user"),
        ),
        refresh=True,
    ),
    Field("storage", "Storage account, for packages", "choice"),
    Field("vault", "Key vault, for nodes in your subscription", more=True),
)
async def create_form(ctx: Context, values: Values) -> FormChanges:
    """Says whether the name is free, how many accounts the region may have, and what it costs."""
    source = ctx.account(values.get("account"))
    if stopped := blocked_by_key(source):
        return FormChanges(notes=(Note(text(stopped.refused), Mark.WARNING),))
    wanted = place(source, values.get("group"), values.get("region"))
    name = values.get("name", "")
    groups, regions, stores, (has, may), wrong = await asyncio.gather(
        subscription.resource_groups(source),
        subscription.regions(source),
        subscription.storage_accounts(source),
        subscription.accounts_in(source, wanted.region),
        _wrong_with(ctx, source, wanted.region, name),
    )
    errors = {"name": wrong} if wrong else {}
    if values.get("mode") == "user" and not values.get("vault"):
        errors["vault"] = "Nodes in your subscription need a key vault: its name in the group, or its resource id."
    full = has >= may
    notes = [Note(text(COSTS_NOTHING))]
    if wrong == "":
        notes.insert(0, Note(text(f"The name {name} is free in {wanted.region}."), Mark.DONE))
    notes.append(
        Note(
            text(f"{has} of {may} Batch accounts are in use in {wanted.region}."),
            Mark.WARNING if full else Mark.NEUTRAL,
        )
    )
    if full:
        errors["region"] = f"The subscription may have no more than {may} Batch accounts in {wanted.region}."
    return FormChanges(
        prefill={"group": wanted.group, "region": wanted.region},
        options={
            "group": tuple(Option(each.name, each.name) for each in groups),
            "region": tuple(Option(each, each) for each in regions),
            "storage": tuple(
                Option(f"{each.name} ({each.location})", each.id)
                for each in stores
                if subscription.short(each.location) == wanted.region
            ),
        },
        errors=errors,
        defaults={"mode": MODES["batch"], "storage": "none"},
        notes=tuple(notes),
        submit="Make",
    )


async def _wrong_with(ctx: Context, source: Account, region: str, name: str) -> str | None:
    """Why the name cannot be had; empty where it can, None where that is not known (yet)."""
    if not name or (wrong := wrong_with(name)):
        return wrong if name else None
    checks = _checks.setdefault(source, _Checks())
    until, answer = checks.answers.get((region, name), (0.0, None))
    if answer is None or until < time.monotonic():
        person = ctx.request.person.key
        checks.newest[person] = name
        await asyncio.sleep(_PAUSE)
        if checks.newest.get(person) != name or source.writer is None:
            return None  # a further letter has come, and is checked in its turn
        try:
            answer = await managed.check_name(source.writer, region, name)
        except AzureError as error:
            return explained(error) or None
        now = time.monotonic()
        fresh = {key: each for key, each in checks.answers.items() if each[0] > now}
        checks.answers = {**fresh, (region, name): (now + _KEPT, answer)}
    return "" if answer.name_available else answer.message or "The name is taken."
