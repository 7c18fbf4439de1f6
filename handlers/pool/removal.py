"""Take nodes out of a pool, and let it have as many new ones where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Pool
from bot.azure.models.base import certain
from bot.azure.writes import pools
from bot.azure.writes.pools import MOST_REMOVED
from bot.domain.entity import fold
from bot.domain.licence import pays_windows
from bot.domain.pool_health import fell_short
from bot.domain.pools import reading
from bot.domain.price import HourlyCost, per_hour
from bot.operations.preflight import Difference, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome
from cards.card import Button, Mark
from cards.formatting import number, plural
from handlers.pool import steps
from handlers.pool.sections import resize_errors
from handlers.pool.steps import Targets
from handlers.shared.chosen_nodes import Chosen, by_state, digest, ids_of
from handlers.shared.saved_first import save_nodes


class Removal(Struct, frozen=True):
    """Which nodes go, and whether as many new ones come.

    ``back`` is the beginning of the command that makes the pool as large as it was, ``show`` and ``list`` show the pool
    and its nodes.
    """

    pool: str
    nodes: tuple[str, ...]
    tasks: pools.Deallocation | None
    regrow: bool
    back: str
    show: str
    list: str


async def meaning(
    source: Account, pool: Pool, nodes: Sequence[Chosen], *, regrow: bool, tasks: pools.Deallocation | None
) -> Preflight:
    """What it means that these nodes go, for a pool that is steady."""
    effects = [f"{plural(len(nodes), 'node goes', 'nodes go')}: {ids_of([each.id for each in nodes])}."]
    if regrow and not pool.enable_auto_scale:
        effects.append(f"Then the pool is asked for {plural(len(nodes), 'new one', 'new ones')}.")
    elif pool.enable_auto_scale:
        effects.append("The pool scales by a formula, which decides how many new ones come.")
    if calls := -(-len(nodes) // MOST_REMOVED) - 1:
        effects.append(f"Azure removes {MOST_REMOVED} in a call: {calls + 1} calls, one after another.")
    if running := sum(each.running for each in nodes):
        one = running == 1
        what = {
            "terminate": "is ended and counts as failed" if one else "are ended and count as failed",
            "taskcompletion": "is waited for" if one else "are waited for",
        }.get(
            tasks or "", "goes back into the queue and starts anew" if one else "go back into the queue and start anew"
        )
        there = "it" if len(nodes) == 1 else "them"
        effects.append(f"{plural(running, 'running task')} on {there} {what}.")
    failed = sum(each.state == "starttaskfailed" for each in nodes)
    if regrow and failed and failed * 2 >= len(nodes):
        effects.append(
            f"The start task failed on {number(failed)} of them: on new ones it will fail too until it is mended."
        )
    now = Targets.of(pool)
    kinds = Targets(sum(each.dedicated for each in nodes), sum(not each.dedicated for each in nodes))
    after = now if regrow else Targets(max(0, now.dedicated - kinds.dedicated), max(0, now.spot - kinds.spot))
    costs: list[HourlyCost | None] = [None, None]
    prices = await source.prices()
    windows = pays_windows(pool.virtual_machine_configuration)
    costs = [
        per_hour(prices, pool.vm_size, windows=windows, dedicated=each.dedicated, spot=each.spot)
        for each in (now, after)
    ]
    return Preflight(
        effects=tuple(effects),
        state=f"{now}, {digest(nodes)}",
        differences=() if regrow else (Difference("Nodes that it wants", str(now), str(after)),),
        cost_before=costs[0],
        cost_after=costs[1],
        nodes_before=now.nodes,
        nodes_after=after.nodes,
        confirm=bool(running) or not regrow,
        question=f"{'Replace' if regrow else 'Remove'} {plural(len(nodes), 'node')} of pool {pool.id}",
    )


async def removing(run: Run, asked: Removal) -> Outcome:
    """Keep what they have to tell, remove them, and ask for new ones; then look whether those work."""
    before = await run.once("before", Targets, lambda: steps.targets(run, asked.pool))
    autoscale = await run.once("autoscale", bool, lambda: _scales(run, asked.pool))
    had = await run.once("had", Targets, lambda: _has(run, asked.pool))
    await save_nodes(run, asked.pool, asked.nodes)
    gone = await steps.remove(run, asked.pool, asked.nodes, asked.tasks)
    buttons = (Button("Open pool", asked.show, style="primary"), Button("All nodes", asked.list))
    left = f" of {number(len(asked.nodes))}" if gone.nodes < len(asked.nodes) else ""
    removed = f"{number(gone.nodes)}{left} nodes" if left or gone.nodes != 1 else "1 node"
    if not asked.regrow or autoscale or not gone.nodes:
        back = f"{asked.back} {before.dedicated} spot:{before.spot}" if gone.nodes and not autoscale else ""
        return Outcome(
            f"Removed {removed} from pool {asked.pool}",
            (),
            buttons,
            undo=back,
            left=steps.left(Targets(before.dedicated - gone.dedicated, before.spot - gone.spot)),
            before=str(before),
            after=f"{gone} removed",
            mark=Mark.WARNING if left else Mark.DONE,
        )
    now = await run.once("regrow-from", Targets, lambda: steps.targets(run, asked.pool))
    wanted = Targets(now.dedicated + gone.dedicated, now.spot + gone.spot)
    found = await steps.resize(run, "regrow", asked.pool, wanted, etag=now.etag)
    now_has, errors = steps.has(found), fell_short(reading(found))
    if now_has.dedicated < had.dedicated or now_has.spot < had.spot:  # a pool that was short before is no failure
        again = Button("Try again", f"{asked.back} {wanted.dedicated} spot:{wanted.spot}", style="primary")
        halted = "" if errors else f": {steps.halted(found, wanted)}"
        return Outcome(
            f"Removed {removed}, and pool {found.id} has {now_has} instead of {wanted}{halted}",
            tuple(resize_errors(found, run.account.now())) if errors else (),
            (*((again,) if steps.may_help(errors) else ()), *buttons),
            before=str(before),
            after=str(now_has),
            failed=bool(errors),
            stopped=not errors,
            mark=Mark.WARNING,
        )
    await steps.wait_ready(run, "ready", asked.pool)
    bad = await _bad(run, asked)
    trouble = f"; {plural(len(bad), 'node is', 'nodes are')} bad again: {by_state(bad)}" if bad else ""
    if now_has.nodes < wanted.nodes:
        trouble += f"; it has {number(now_has.nodes)} of {number(wanted.nodes)} nodes, and was short before"
    return Outcome(
        f"Replaced {removed} of pool {found.id}{trouble}",
        (),
        buttons,
        before=str(before),
        after=f"{gone} replaced",
        mark=Mark.WARNING if bad or left else Mark.DONE,
    )


async def _has(run: Run, pool: str) -> Targets:
    found = steps.has(await steps.read(run, pool))
    for nodes in (found.dedicated, found.spot):
        certain(nodes, f"how many nodes pool {pool} has")
    return found


async def _scales(run: Run, pool: str) -> bool:
    return (await steps.read(run, pool)).enable_auto_scale


async def _bad(run: Run, asked: Removal) -> list[str]:
    """The states of nodes that are broken now; those that were to go and are still there are not new."""
    old = {fold(each) for each in asked.nodes}
    rows = await steps.rows(run, asked.pool)
    return [row.state for id_, row in rows.items() if row.state.lower() in steps.BROKEN and id_ not in old]
