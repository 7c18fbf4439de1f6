"""One node: its state, its errors, its start task and the tasks it ran lately."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Node, RemoteLogin
from bot.azure.models.node import InboundEndpoint, RecentTask
from bot.domain.advice import of_node
from bot.domain.exit_codes import written
from bot.domain.images import image_name
from bot.domain.states import NODES, NodeState, word
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Button, Card, Mark, Text
from cards.formatting import number, plural
from handlers.history.forgotten import or_forgotten
from handlers.node import verbs
from handlers.pool.sections import start_task
from handlers.shared.common import failure, folded, line, run_time, section, since, some, titled
from handlers.shared.definition import container_run
from handlers.shared.filtering import Unseen
from handlers.shared.missing import finding_node
from handlers.shared.portal import portal
from handlers.shared.states import node_chip


@command("node show", effect="read", examples=["node show gpu-a tvmps_0f3…_d"])
async def show_node(ctx: Context, pool: str, node: str, *, whole: Unseen = 0, account: str | None = None) -> Card:
    """Show one node: state, errors, start task and recent tasks.

    :param pool: the pool's id
    :param node: the node's id
    :param whole: 1 for all of it, with what is folded otherwise
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "node", node, pool), finding_node(ctx, source, pool, node):
        fetched = await source.fetch(Node, source.node(pool, node))
    login = await login_to(source, pool, fetched.value.id)
    return node_card(ctx, source, pool, fetched.value, fetched.at, login, whole)


def _takes_tasks(node: Node) -> str:
    """What is set of it, where its state lets tasks run at all."""
    state = NODES.get(cast("NodeState", node.state.lower()))
    if node.scheduling_state.lower() == "disabled":
        return "no, scheduling is disabled"
    if state and not state.takes_tasks:
        return "not in this state"
    return {"enabled": "yes"}.get(node.scheduling_state.lower(), node.scheduling_state)


def node_card(
    ctx: Context,
    source: Account,
    pool: str,
    found: Node,
    at: datetime,
    login: RemoteLogin | None = None,
    whole: int = 0,
) -> Card:
    """All of a node, and where it is logged in to where that is known."""
    ran = _start_task_run(found)
    start_failed = found.state.lower() == "starttaskfailed"
    return Card(
        title=titled(f"Node {found.id}", text(node_chip(found.state)), text("pool ", pool)),
        mark=node_chip(found.state).mark,
        as_of=at,
        blocks=blocks(
            *_errors(found),
            *(ran if start_failed else ()),
            facts(
                ("State", since(node_chip(found.state), found.state_transition_time)),
                ("Takes tasks", _takes_tasks(found)),
                ("Kind", "dedicated" if found.is_dedicated else "spot"),
                ("Running", _running(found)),
                ("Ran so far", _ran(found)),
                ("Size", found.vm_size),
                ("Last boot", when(found.last_boot_time)),
            ),
            folded(
                ctx,
                source,
                whole,
                [
                    *_recent(found),
                    _machine(found),
                    *connectivity(found, login),
                    *(() if start_failed else ran),
                    *start_task(found.start_task),
                ],
                "node show",
                pool,
                found.id,
            ),
            build.actions(
                Button("Start task log", line(ctx, source, "nodelog", pool, found.id), style="primary"),
                Button("Why", line(ctx, source, "why node", pool, found.id)) if of_node(found) else None,
                *verbs.of_node(ctx, source, pool, found),
                Button("Files", line(ctx, source, "nodefile list", pool, found.id)),
                Button("Timeline", line(ctx, source, "timeline node", pool, found.id)),
                Button("All nodes", line(ctx, source, "node list", pool)),
                Button("Pool", line(ctx, source, "pool show", pool)),
                _last_task(ctx, source, found),
                Button("Refresh", line(ctx, source, "node show", pool, found.id, whole=whole or None), how="edit"),
                Button("JSON", line(ctx, source, "raw node", pool, found.id)),
                portal(source, "pools"),
                shown=5,
            ),
        ),
    )


def _machine(found: Node) -> Block | None:
    """What it runs on and since when, which few ask for."""
    return facts(
        ("Allocated", when(found.allocation_time)),
        ("Image", image_name(found.virtual_machine_info.image_reference) if found.virtual_machine_info else None),
        ("Image version", _exact_version(found)),
        ("Agent", _agent(found)),
    )


def _errors(node: Node) -> list[Block]:
    """What is wrong, the likely cause, and what to do about it."""
    details = {error.code: error.error_details for error in node.errors}
    lines: list[Text] = []
    for each in of_node(node):
        name = bold(each.code or word(each.name))
        lines.append(text(name, f": {each.message}" if each.message else ""))
        lines += [text(muted(f"{detail.name}: "), detail.value) for detail in details.get(each.code, ())]
        lines.append(text(muted("Likely: "), each.advice.cause))
        lines.append(text(muted("To do: "), each.advice.do))
    return section("What is wrong", Bullets(tuple(lines)) if lines else None)


def _start_task_run(node: Node) -> list[Block]:
    run = node.start_task_info
    if run is None:
        return []
    failed = run.result.lower() == "failure"
    state = (
        chip(Mark.FAILED, "failed")
        if failed
        else chip(Mark.DONE if run.state.lower() == "completed" else Mark.RUNNING, run.state.lower())
    )
    return section(
        "Start task on this node",
        facts(
            ("State", state),
            ("Exit code", code(written(run.exit_code)) if run.exit_code is not None else None),
            ("Why", failure(run.failure_info)),
            ("Started", when(run.start_time)),
            ("Took", run_time(run.start_time, run.end_time)),
            ("Ended", when(run.end_time)),
            ("Retries", number(run.retry_count)),
            ("Last retry", when(run.last_retry_time)),
            ("Container", container_run(run.container_info)),
        ),
    )


def _newest(node: Node) -> list[RecentTask]:
    """The tasks that a node tells of, the newest first: the service has them the other way round."""

    def begun(task: RecentTask) -> datetime:
        run = task.execution_info
        return (run.start_time if run else None) or datetime.max.replace(tzinfo=UTC)  # it is about to begin

    return sorted(node.recent_tasks, key=begun, reverse=True)


def _recent(node: Node) -> list[Block]:
    lines = []
    for task in _newest(node):
        run = task.execution_info
        ended = ""
        if run and run.exit_code is not None:
            ended = f", exit {run.exit_code}"
        lines.append(text(code(task.task_id), " of ", task.job_id, ": ", task.task_state.lower(), ended))
    return section("Recent tasks", Bullets(tuple(lines)) if lines else None)


def _last_task(ctx: Context, source: Account, node: Node) -> Button | None:
    if not node.recent_tasks:
        return None
    task = _newest(node)[0]
    return Button("Last task", line(ctx, source, "task show", task.job_id, task.task_id))


def _running(node: Node) -> str:
    if not node.running_tasks_count:
        return "nothing"
    slots = f" in {plural(node.running_task_slots_count, 'slot')}" if node.running_task_slots_count else ""
    return plural(node.running_tasks_count, "task") + slots


def _ran(node: Node) -> str:
    return f"{number(node.total_tasks_succeeded)} of {plural(node.total_tasks_run, 'task')} succeeded"


def _agent(node: Node) -> Text:
    agent = node.node_agent_info
    return since(agent.version, agent.last_update_time) if agent else ()


def _exact_version(node: Node) -> str:
    source = node.virtual_machine_info.image_reference if node.virtual_machine_info else None
    return source.exact_version if source else ""


def connectivity(node: Node, login: RemoteLogin | None = None) -> list[Block]:
    """Addresses within the network and from outside, and how to log in."""
    endpoints = node.endpoint_configuration.inbound_endpoints if node.endpoint_configuration else ()
    return section(
        "Connectivity",
        facts(
            ("Internal address", code(node.ip_address) if node.ip_address else None),
            ("Internal IPv6 address", code(node.ipv6_address) if node.ipv6_address else None),
            ("Log in at", code(f"{login.remote_login_ip_address}:{login.remote_login_port}") if login else None),
            ("External addresses", some([_endpoint(each) for each in endpoints])),
        ),
    )


def _endpoint(endpoint: InboundEndpoint) -> str:
    outside = endpoint.public_ip_address or endpoint.public_fqdn
    lines = f"{outside}:{endpoint.frontend_port} → {endpoint.backend_port}/{endpoint.protocol.lower()}"
    return lines + (f" ({endpoint.name})" if endpoint.name else "")


_NO_LOGIN = frozenset({"operationnotvalidonnode", "nodebeingcreated"})
"""How the service says that there is none (yet)."""


async def login_to(source: Account, pool: str, node: str) -> RemoteLogin | None:
    """Where to log in; None for pools without public addresses, which are refused."""
    try:
        login = (await source.fetch(RemoteLogin, f"{source.node(pool, node)}/remoteloginsettings")).value
    except AzureError as error:
        if error.code.lower() not in _NO_LOGIN:
            gaps.note("where to log in", gaps.reason(error))
        return None
    return login if login.remote_login_port else None
