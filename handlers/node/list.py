"""The list of a pool's nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

from bot.azure.models import Node
from bot.domain.advice import Trouble, of_error, of_node, of_start_task
from bot.domain.states import NodeState, is_bad
from bot.filter import NODE
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Text, Time, Words
from cards.formatting import number
from handlers.node import verbs
from handlers.pool.steps import BROKEN
from handlers.shared import filtering, node_counts
from handlers.shared.common import line, template, titled
from handlers.shared.missing import finding_pool
from handlers.shared.states import node_chip
from handlers.shared.why import why_button

_LISTED = (
    "id,state,stateTransitionTime,schedulingState,isDedicated,runningTasksCount,runningTaskSlotsCount,totalTasksRun,"
    "ipAddress,errors,startTaskInfo"
)
_COLUMNS = (
    Column("Node", width=3),
    Column("State", width=2),
    Column("Since", rank=1, width=2),
    Column("Tasks", "right", rank=2),
    Column("Kind", rank=3),
    Column("Trouble", width=3, beneath=True),
)
NodeSort = Literal["trouble", "name", "state", "age", "tasks"]


@command(
    "node list",
    effect="read",
    examples=[
        "node list gpu-a",
        "node list gpu-a state:unusable",
        "node list gpu-a bad age>30m",
        "node list gpu-a spot",
    ],
    menu=30,
)
async def list_nodes(
    ctx: Context,
    pool: str,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    state: NodeState | None = None,
    sort: NodeSort = "trouble",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the nodes of a pool, unhealthy ones first.

    :param pool: the pool's id
    :param filter: which ones, such as state:bad age>30m tasks:0 spot error:DiskFull booted:2h ip:10.0.0.*
    :param state: only nodes in this state
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, NODE, filter, "node", "list", pool, state=state)
    bound = wanted.at(source.now())
    select = filtering.selected(_LISTED, wanted)
    async with finding_pool(ctx, source, pool, "node list"):
        nodes, at = await source.every(Node, source.nodes(pool), select=select, filter=bound.odata)
    nodes = in_order((node for node in nodes if bound.row(node)), sort)
    start = filtering.PageStart(page)
    found = filtering.paged(nodes, start, at)
    rows = found.rows

    def again(**options: object) -> str:
        ordered = {"sort": sort if sort != "trouble" else None}
        return line(ctx, source, "node list", pool, *wanted.tokens, **{**ordered, **options})

    status = filtering.ListStatus(ctx, filtering.Step(found), start, again)
    back, on = status.turning
    states = Counter(node.state.lower() for node in nodes)
    bad = sum(is_bad(node.state) for node in nodes)
    return Card(
        title=titled(f"Nodes of {pool}", wanted.words(at), status.extent, f"{number(bad)} bad" if bad else None),
        mark=Mark.FAILED if bad else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            Words(node_counts.in_words(states)) if states else None,
            build.table(_COLUMNS, [_row(node) for node in rows])
            if rows
            else status.nothing(wanted, "The pool has no nodes."),
            build.actions(
                back,
                on,
                build.open_menu("Open a node", template(ctx, source, "node show", pool, "{}"), [n.id for n in rows]),
                why_button(ctx, source, "node", [node.id for node in rows if _wrong(node)], pool),
                Button("Filter…", again(), how="form"),
                *verbs.of_list(ctx, source, pool, wanted.tokens, sum(states[each] for each in BROKEN)),
                Button("Pool", line(ctx, source, "pool show", pool)),
                filtering.without(wanted, line(ctx, source, "node list", pool)),
                filtering.sorting(again(sort=None), get_args(NodeSort), sort),
                Button("Refresh", again(page=page), how="edit"),
                Button("Map", line(ctx, source, "node map", pool)),
                Button(
                    "CSV",
                    line(ctx, source, "csv node", pool, *wanted.tokens, sort=sort if sort != "trouble" else None),
                ),
                shown=5,
            ),
        ),
    )


def in_order(nodes: Iterable[Node], sort: NodeSort) -> list[Node]:
    """Nodes as a list shows them."""
    return sorted(nodes, key=_SORTS[sort])


_SORTS: dict[NodeSort, Callable[[Node], Any]] = {
    "trouble": lambda node: (not is_bad(node.state), node.id),
    "name": lambda node: node.id,
    "state": lambda node: (node.state.lower(), node.id),
    "age": lambda node: node.state_transition_time.timestamp() if node.state_transition_time else 0.0,
    "tasks": lambda node: (-node.running_tasks_count, node.id),
}


def _wrong(node: Node) -> str:
    """What is wrong with a node in few words; empty for one that is well."""
    if node.errors:
        return _in_words(of_error(node.errors[0]))
    if node.start_task_info and node.start_task_info.failure_info:
        return f"start task: {_in_words(of_start_task(node.start_task_info)).removeprefix('start task ')}"
    if node.scheduling_state.lower() == "disabled":
        return "takes no tasks"
    return next((_in_words(each) for each in of_node(node)), "")


def _in_words(found: Trouble) -> str:
    return found.advice.short or found.name


def _row(node: Node) -> list[Text]:
    wrong = _wrong(node)
    return [
        text(code(node.id)),
        text(node_chip(node.state)),
        text(Time(node.state_transition_time, "age")) if node.state_transition_time else text("–"),
        text(number(node.running_tasks_count)),
        text("dedicated" if node.is_dedicated else "spot"),
        text(chip(Mark.FAILED if is_bad(node.state) else Mark.WARNING, wrong) if wrong else muted("–")),
    ]
