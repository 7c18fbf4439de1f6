"""Change what a pool takes at any time: its start task, packages and metadata."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bot.azure.account import Account
from bot.content.clear_text import clear
from bot.content.clear_values import clear_named
from bot.domain.bodies.fields import Body
from bot.domain.bodies.path import value_at
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Button, Card, Field, Option, Words
from cards.formatting import plural
from handlers.pool import editing, given, steps
from handlers.shared.chosen_nodes import ALL
from handlers.shared.common import line, tail
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked, form_error, form_notes

_PATH = "pool set"
_YES_NO = (Option("yes", "yes"), Option("no", "no"))
_SHOWN = 120
YesNo = Literal["yes", "no"]


class Set(Struct, frozen=True):
    """The changes by their places, and the pool's ETag that they are meant for.

    ``reboots`` says that only nodes that are rebooted take them up. The rest are commands: that show the pool, reboot
    its nodes, and take the change back (empty where that would tell a secret).
    """

    pool: str
    changes: dict[str, Any]
    etag: str
    reboots: bool
    show: str
    reboot: str
    undo: str


class Wanted(Struct, frozen=True):
    """What was asked for; what is empty stays."""

    start: str = ""
    elevated: str = ""
    retries: int | None = None
    wait: str = ""
    env: str = ""
    packages: str = ""
    metadata: str = ""


def changes_of(source: Account, wanted: Wanted) -> dict[str, Any]:
    """The changes by their places. Raises CommandError where there are none."""
    changes: dict[str, Any] = {}
    if wanted.start.lower() == given.NONE:
        changes["startTask"] = None
    elif wanted.start:
        changes["startTask.commandLine"] = wanted.start
    if wanted.elevated:
        level = "admin" if wanted.elevated == "yes" else "nonadmin"
        changes["startTask.userIdentity"] = {"autoUser": {"scope": "pool", "elevationLevel": level}}
    if wanted.retries is not None:
        changes["startTask.maxTaskRetryCount"] = wanted.retries
    if wanted.wait:
        changes["startTask.waitForSuccess"] = wanted.wait == "yes"
    if wanted.env:
        changes["startTask.environmentSettings[]"] = _set_or_gone(given.pairs(wanted.env, "variable"))
    if wanted.packages:
        named = given.packages(source, wanted.packages)
        changes["applicationPackageReferences"] = [
            {"applicationId": name, **({"version": version} if version else {})} for name, version in named.items()
        ]
    if wanted.metadata:
        changes["metadata[]"] = _set_or_gone(given.pairs(wanted.metadata, "metadata"))
    if not changes:
        raise CommandError("What is to change? Give the start task, packages or metadata.", ["help pool set"])
    if changes.get("startTask", "") is None and len(changes) > 1:
        raise CommandError("A start task is taken away on its own: change the rest afterwards.", ["help pool set"])
    return changes


def _set_or_gone(pairs: dict[str, str]) -> dict[str, str | None]:
    """An empty value takes the name away."""
    return {name: value or None for name, value in pairs.items()}


async def preflight(ctx: Context, pool: str, *, account: str | None = None, **options: Any) -> Preflight:
    """What is changed, and which nodes take it up."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    wanted = _wanted(options)
    changes = changes_of(source, wanted)
    async with finding_pool(ctx, source, pool, _PATH):
        found = await editing.whole(source, pool)
    if found.pool.state.lower() != "active":
        return Preflight(f"Pool {found.pool.id} is {found.pool.state}.")
    if not found.pool.start_task and _needs_start_task(changes):
        return Preflight(
            f"Pool {found.pool.id} has no start task: give its command line too.",
            fixes=(Fix("Open pool", line(ctx, source, "pool show", found.pool.id)),),
        )
    edit = editing.edit_of(found.body, changes)
    if secrets := [each.what for each in edit.needs if each.required]:
        return Preflight(
            f"To change it, Azure wants {', '.join(secrets)} again, which it never tells, and no secret is taken here."
        )
    reboots = [place for place in changes if not place.startswith("metadata")]
    nodes = steps.has(found.pool).nodes
    effects = [f"{plural(nodes, 'node keeps', 'nodes keep')} what they have until rebooted; new ones take it up."]
    return Preflight(
        effects=tuple(effects) if reboots and nodes else (),
        state=found.etag,
        differences=tuple(_differences(found.body, changes)),
    )


@command(
    _PATH,
    effect="change",
    azure=True,
    check="pool show {pool}",
    preflight=preflight,
    examples=[
        "pool set gpu start:\"/bin/bash -c 'setup.sh 2'\"",
        "pool set gpu packages:renderer=2.1,tools",
        "pool set gpu metadata:team=render,cost=",
    ],
)
async def set_pool(
    ctx: Context,
    pool: str,
    *,
    start: str | None = None,
    elevated: YesNo | None = None,
    retries: int | None = None,
    wait: YesNo | None = None,
    env: str | None = None,
    packages: str | None = None,
    metadata: str | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Change the start task, packages or metadata of a pool; all else stays as it is.

    :param pool: the pool's id
    :param start: the start task's command line; none takes the start task away
    :param elevated: whether the start task runs as administrator
    :param retries: how often the start task is tried again; -1 without end
    :param wait: whether tasks wait for the start task
    :param env: variables of the start task, such as A=1,B=2; an empty value takes one away
    :param packages: all application packages, such as renderer=2.1,tools; none takes them away
    :param metadata: such as team=render,cost=42; an empty value takes one away
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    options = (start, elevated, retries, wait, env, packages, metadata)
    wanted = _wanted(dict(zip(Wanted.__struct_fields__, options, strict=True)))
    changes = changes_of(source, wanted)
    async with finding_pool(ctx, source, pool, _PATH):
        found = await editing.whole(source, pool)
    undo = line(ctx, source, _PATH, pool, **_back(found.body, wanted))
    asked = Set(
        pool,
        changes,
        found.etag,
        any(not place.startswith("metadata") for place in changes),
        show=line(ctx, source, "pool show", pool),
        reboot=line(ctx, source, "node reboot", pool, ALL),
        undo=undo if clear(undo) == undo else "",
    )
    async for card in ctx.operate(_PATH, source, pool, asked):
        yield card


@workflow(_PATH, Set, "Changing pool {}")
async def setting(run: Run, asked: Set) -> Outcome:
    """Write it, and say which nodes have not taken it up."""
    await editing.write(run, "patch", "Write the change", asked.pool, asked.changes, asked.etag)
    nodes = steps.has(await steps.read(run, asked.pool)).nodes
    reboots = asked.reboots and nodes > 0
    one = f"{plural(nodes, 'node has', 'nodes have')} what was there before until rebooted."
    return Outcome(
        f"Pool {asked.pool} is changed",
        (Words(text(one)),) if reboots else (),
        (
            *((Button(f"Reboot {plural(nodes, 'node')} to apply", asked.reboot, how="form"),) if reboots else ()),
            Button("Open pool", asked.show),
        ),
        undo=asked.undo,
        after=", ".join(place.removesuffix("[]") for place in asked.changes),
    )


def _wanted(options: dict[str, Any]) -> Wanted:
    return msgspec.convert({name: value for name, value in options.items() if value is not None}, Wanted, strict=False)


def _needs_start_task(changes: dict[str, Any]) -> bool:
    parts = [place for place in changes if place.startswith("startTask.")]
    return bool(parts) and "startTask.commandLine" not in parts


def _differences(body: Body, changes: dict[str, Any]) -> list[Difference]:
    """What changes, in words, without secrets."""
    found = []
    for place, value in changes.items():
        at = place.removesuffix("[]")
        now = value_at(body, tuple(at.split(".")))
        if place.endswith("[]"):
            held = {each.get("name"): each.get("value", "") for each in now or []}
            found += [
                Difference(f"{_WORDS[at]} {name}", _told(name, held.get(name)), _told(name, after))
                for name, after in value.items()
            ]
        else:
            found.append(Difference(_WORDS[at], _shown(now), _shown(value)))
    return found


_WORDS = {
    "startTask": "Start task",
    "startTask.commandLine": "Start task",
    "startTask.userIdentity": "Start task runs as",
    "startTask.maxTaskRetryCount": "Retries of the start task",
    "startTask.waitForSuccess": "Tasks wait for it",
    "startTask.environmentSettings": "Variable",
    "applicationPackageReferences": "Packages",
    "metadata": "Metadata",
}


def _told(name: str, value: str | None) -> str:
    return _shown(clear_named(name, value) if value else value)


def _shown(value: Any) -> str:
    match value:
        case None | "" | []:
            words = "none"
        case bool():
            words = "yes" if value else "no"
        case {"commandLine": str(command)}:
            words = clear(command)
        case {"autoUser": {"elevationLevel": str(level)}}:
            words = "administrator" if level.lower() == "admin" else "no administrator"
        case dict():
            words = str(value.get("username") or "another user")
        case list():
            words = ", ".join(f"{tail(each['applicationId'])} {each.get('version', '')}".strip() for each in value)
        case _:
            words = clear(str(value))
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


def _back(body: Body, wanted: Wanted) -> dict[str, object]:
    """The options that set back what is changed."""
    start: Body = body.get("startTask") or {}
    back: dict[str, object] = {}
    if wanted.start:
        back["start"] = start.get("commandLine") or given.NONE
    if not start:
        return back | _back_rest(body, wanted)
    if wanted.elevated:
        level = value_at(start, ("userIdentity", "autoUser", "elevationLevel"), "nonadmin")
        back["elevated"] = "yes" if level == "admin" else "no"
    if wanted.retries is not None:
        back["retries"] = str(start.get("maxTaskRetryCount", 0))
    if wanted.wait:
        back["wait"] = "yes" if start.get("waitForSuccess", True) else "no"
    if wanted.env:
        back["env"] = _pairs_back(start.get("environmentSettings"), given.pairs(wanted.env, "variable"))
    return back | _back_rest(body, wanted)


def _back_rest(body: Body, wanted: Wanted) -> dict[str, object]:
    back: dict[str, object] = {}
    if wanted.packages:
        held = body.get("applicationPackageReferences") or []
        named = [f"{each['applicationId']}={each.get('version', '')}".rstrip("=") for each in held]
        back["packages"] = ",".join(named) or given.NONE
    if wanted.metadata:
        back["metadata"] = _pairs_back(body.get("metadata"), given.pairs(wanted.metadata, "metadata"))
    return back


def _pairs_back(held: Any, changed: dict[str, str]) -> str:
    values = {each.get("name"): each.get("value", "") for each in held or []}
    return ",".join(f'"{name}={values.get(name, "")}"' for name in changed)


@form_of(
    _PATH,
    Field("pool", "Pool", "name", names="pool", refresh=True),
    Field("start", "Start task", lines=True, refresh=True, hint="Its command line; none takes it away"),
    Field("packages", "Application packages", refresh=True, hint="Such as renderer=2.1,tools; none takes them away"),
    Field("metadata", "Metadata to change", refresh=True, hint="Such as team=render,cost="),
    Field("elevated", "Start task runs as administrator", "choice", options=_YES_NO, more=True, refresh=True),
    Field("retries", "Retries of the start task", "number", least=-1, more=True, refresh=True),
    Field("wait", "Tasks wait for it", "choice", options=_YES_NO, more=True, refresh=True),
    Field("env", "Variables of the start task to change", hint="Such as A=1,B=", more=True, refresh=True),
)
async def set_form(ctx: Context, values: Values) -> FormChanges:
    """Says what there is now and what changes."""
    if not (pool := values.get("pool")):
        return FormChanges(submit="Change")
    source = ctx.account(values.get("account"))
    async with finding_pool(ctx, source, pool, _PATH):
        found = (await editing.whole(source, pool)).pool
    task = found.start_task
    defaults = {
        "start": _shown(task.command_line) if task else "none",
        "packages": _shown([{"applicationId": each.application_id, "version": each.version} for each in
                            found.application_package_references]),
        "metadata": ", ".join(f"{each.name}={_told(each.name, each.value)}" for each in found.metadata) or "none",
    }  # fmt: skip
    given_now = {name: value for name, value in values.items() if name not in ("pool", "account")}
    if not given_now:
        return FormChanges(defaults=defaults, submit="Change")
    try:
        looked = await preflight(ctx, pool, account=values.get("account"), **given_now)
    except CommandError as error:
        return msgspec.structs.replace(form_error(error, submit="Change"), defaults=defaults)
    return msgspec.structs.replace(form_notes(looked, "start", submit="Change"), defaults=defaults)
