"""What the verbs of nodes share: which of the chosen nodes can take it, each written to once, and how it ended.

The service guards no write of a node by ``If-Match``. So each node is read just before it is written to: where it has
booted since it was chosen, it is not the node that was meant any more, and is left alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Node, NodeRow
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.domain.entity import fold
from bot.domain.refused_writes import advice
from bot.domain.states import NODES, NodeStateFacts, facts_of, is_bad, word
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Result, Run, Status
from bot.operations.workflow import Failure, Outcome
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values
from bot.requests.grammar import words
from cards.build import code, muted, text
from cards.card import Bullets, Button, Field, Mark, Option
from cards.formatting import number, plural
from cards.text_fit import elide
from handlers.shared.chosen_nodes import SHORT, Chosen, by_state, choose, digest, ids_of
from handlers.shared.common import line
from handlers.shared.preflight import blocked, form_notes

OfTasks: TypeAlias = Literal["requeue", "terminate", "taskcompletion"]
"""What becomes of the tasks that run on a node."""
WHICH = (
    Field("pool", "Pool", "name", names="pool", refresh=True),
    Field("filter", "Which nodes", refresh=True),
)
"""What the form of every verb asks."""
OF_TASKS = Field(
    "tasks",
    "Tasks that run on them",
    "choice",
    options=(
        Option("go back into the queue", "requeue"),
        Option("are ended", "terminate"),
        Option("are waited for", "taskcompletion"),
    ),
    refresh=True,
)
"""And that of a verb that interrupts them."""
_INTERRUPTS = {
    "requeue": "back into the queue, to start anew",
    "terminate": "ended, and counted as failed",
    "taskcompletion": "waited for",
}
_SETTLES = timedelta(minutes=30)
"""How long nodes are waited for: a boot and a start task rarely take longer."""
_LONGEST_COMMAND = 2800
"""Characters of a command that takes it back; what is longer is not offered."""
_TOLD = 5
_SELECT = "id,state,schedulingState,lastBootTime,runningTasksCount"


class OnNodes(Struct, frozen=True):
    """A verb on nodes of a pool.

    ``back`` is the beginning of the command that takes it back, empty where nothing does; ``list`` shows the nodes,
    ``replace`` replaces the broken ones.
    """

    pool: str
    nodes: tuple[Chosen, ...]
    tasks: OfTasks
    list: str
    back: str = ""
    replace: str = ""


@dataclass(frozen=True)
class NodeVerb:
    """What differs from verb to verb.

    ``path`` is its command; ``verb`` and ``past`` say it in words: ``Reboot``, ``Rebooted``. ``unable`` says why a node
    cannot take it, empty where it can. ``landed`` judges by the node as it is whether the write took effect,
    ``settled`` whether the node is where it should come to; None where nothing has to be waited for.
    """

    path: str
    verb: str
    past: str
    unable: Callable[[Chosen], str]
    send: Callable[[Writer, str, str, OfTasks], Awaitable[Written]]
    landed: Callable[[NodeRow, Chosen], bool]
    settled: Callable[[NodeRow, Chosen], bool] | None = None
    interrupts: bool = True
    done_if: tuple[str, ...] = ()


def busy(node: Chosen) -> str:
    """Why a node can take nothing now: it comes or goes."""
    facts = facts_of(NODES, node.state)
    moving = isinstance(facts, NodeStateFacts) and facts.role in ("coming", "leaving", "gone")
    return word(node.state) if moving and node.state != "waitingforstarttask" else ""


async def look(
    ctx: Context, source: Account, pool: str, typed: Sequence[str], verb: NodeVerb, tasks: OfTasks = "requeue"
) -> Preflight:
    """The preflight of a verb: which of the nodes can take it, and what it interrupts."""
    if stopped := blocked(source):
        return stopped
    nodes = await choose(ctx, source, pool, typed, verb.path)
    able, unable = apart(nodes, verb)
    if not able:
        why = (
            f"Node {elide(nodes[0].id, SHORT)} is {unable[0]}: that cannot be done now."
            if len(nodes) == 1
            else f"None of the {number(len(nodes))} nodes can take it: {by_state(unable)}."
        )
        return Preflight(why, fixes=(Fix("All nodes", line(ctx, source, "node list", pool)),))
    effects = [f"{verb.verb} {plural(len(able), 'node')} of pool {pool}: {ids_of([each.id for each in able])}."]
    if unable:
        effects.append(f"{number(len(unable))} of the {number(len(nodes))} are left out: {by_state(unable)}.")
    running = sum(each.running for each in able) if verb.interrupts else 0
    if running:
        effects.append(f"{plural(running, 'running task')}: {_INTERRUPTS[tasks]}.")
    return Preflight(
        effects=tuple(effects),
        state=f"{plural(len(able), 'node')} {digest(able)}",
        confirm=bool(running) and tasks != "taskcompletion",
        question=f"{verb.verb} {plural(len(able), 'node')} of pool {pool}",
    )


async def form_for(ctx: Context, values: Values, verb: NodeVerb) -> FormChanges:
    """What the form of a verb says: which nodes are meant, and what it interrupts."""
    pool, chosen = values.get("pool"), words(values.get("filter", ""))
    if not pool or not chosen:
        return FormChanges()
    tasks: OfTasks = values.get("tasks", "requeue")  # type: ignore[assignment]  # one of the options
    found = await look(ctx, ctx.account(values.get("account")), pool, chosen, verb, tasks)
    return form_notes(found, "filter", submit=verb.verb if " " not in verb.verb else "")


async def chosen_for(
    ctx: Context, source: Account, pool: str, typed: Sequence[str], verb: NodeVerb, tasks: OfTasks, back: str = ""
) -> OnNodes:
    """What the workflow of a verb is given; ``back`` is the command that takes it back."""
    able, _ = apart(await choose(ctx, source, pool, typed, verb.path), verb)
    return OnNodes(
        pool,
        tuple(able),
        tasks,
        list=line(ctx, source, "node list", pool),
        back=line(ctx, source, back, pool) if back else "",
        replace=line(ctx, source, "pool replace-broken", pool),
    )


def apart(nodes: Sequence[Chosen], verb: NodeVerb) -> tuple[list[Chosen], list[str]]:
    """The nodes that can take it, and why the others cannot, one reason each."""
    reasons = [(node, verb.unable(node)) for node in nodes]
    return [node for node, why in reasons if not why], [why for _, why in reasons if why]


async def on_nodes(run: Run, asked: OnNodes, verb: NodeVerb) -> Outcome:
    """Write to each node, and wait until they are where they should come to."""
    before = {node.id: node for node in asked.nodes}

    async def read(node: str) -> Node:
        return (await run.account.fetch(Node, run.account.node(asked.pool, node), select=_SELECT)).value

    async def send(node: str) -> Written:
        now = await read(node)
        if now.last_boot_time != before[node].boot:
            raise Failure("it has started anew since you looked, so it was left alone")
        return await verb.send(run.writer, asked.pool, node, asked.tasks)

    async def landed(node: str) -> bool:
        return verb.landed(await read(node), before[node])

    title = f"{verb.verb} {plural(len(before), 'node')}"
    results = await run.each("nodes", title, list(before), send, landed=landed, done_if=verb.done_if)
    done = [each.item for each in results if not each.error]
    if done and verb.settled and asked.tasks != "taskcompletion":
        await _settle(run, asked.pool, [before[each] for each in done], verb.settled)
    bad = await _bad(run, asked.pool, done) if verb.settled and done else {}
    return _outcome(asked, verb, results, bad)


async def _settle(run: Run, pool: str, nodes: Sequence[Chosen], settled: Callable[[NodeRow, Chosen], bool]) -> None:
    async def check() -> Status:
        rows = await _rows(run, pool)
        ready = sum(1 for node in nodes if (row := rows.get(fold(node.id))) is None or settled(row, node))
        return Status(ready == len(nodes), f"{number(ready)} of {number(len(nodes))}", ready, len(nodes))

    await run.until("settled", "Wait for them", check, every=10.0, longest=_SETTLES)


async def _rows(run: Run, pool: str) -> dict[str, NodeRow]:
    rows, _ = await run.account.every(NodeRow, run.account.nodes(pool), select=_SELECT)
    return {fold(row.id): row for row in rows}


async def _bad(run: Run, pool: str, nodes: Sequence[str]) -> dict[str, str]:
    """The nodes that came to a state in which they do no work, and that state."""
    rows = await _rows(run, pool)
    return {each: row.state for each in nodes if (row := rows.get(fold(each))) and is_bad(row.state)}


def _outcome(asked: OnNodes, verb: NodeVerb, results: Sequence[Result], bad: dict[str, str]) -> Outcome:
    refused = [each for each in results if each.error]
    done = [each.item for each in results if not each.error]
    some = plural(len(done), "node") if not refused else f"{number(len(done))} of {plural(len(results), 'node')}"
    what = f"node {elide(done[0], SHORT)}" if len(done) == len(results) == 1 else some
    trouble = f"; {by_state(bad.values())} now" if bad else ""
    headline = f"{verb.past} {what} of pool {asked.pool}{trouble}"
    told = [text(code(each.item), f": {each.error}", muted(_advice(each.error))) for each in refused[:_TOLD]]
    if len(refused) > _TOLD:
        told.append(text(muted(f"and {number(len(refused) - _TOLD)} more")))
    back = f"{asked.back} {' '.join(done)}" if asked.back and done else ""
    return Outcome(
        headline,
        (Bullets(tuple(told)),) if told else (),
        (
            *((Button("Replace broken nodes", asked.replace, style="primary"),) if bad and asked.replace else ()),
            Button("All nodes", asked.list),
        ),
        undo=back if len(back) <= _LONGEST_COMMAND else "",
        after=f"{verb.past.lower()} {ids_of(done, 20)}" if done else "",
        before=by_state(each.state for each in asked.nodes),
        failed=not done,
        mark=Mark.WARNING if refused or bad else Mark.DONE,
    )


def _advice(error: str) -> str:
    found = advice(error.partition(":")[0])
    return f" {found}" if found else ""


def booted_since(row: NodeRow, before: Chosen) -> bool:
    """Whether a node has started since it was chosen, or is about to."""
    return row.last_boot_time != before.boot or row.state.lower() in ("rebooting", "starting")
