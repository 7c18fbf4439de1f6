"""Upload the logs of a node's agent to a blob container, by an identity of the pool: no signature is ever typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Node, Pool
from bot.azure.plane import Written
from bot.azure.writes import nodes
from bot.domain.states import word
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import facts
from cards.card import Button, Card, Field
from cards.formatting import plural
from cards.text_fit import elide
from handlers.shared.chosen_nodes import SHORT
from handlers.shared.common import line, tail
from handlers.shared.missing import finding_node, finding_pool
from handlers.shared.preflight import blocked, form_notes

_PATH = "node upload-logs"
_ABLE = ("idle", "running", "offline", "waitingforstarttask", "starttaskfailed")
"""States in which the agent answers."""
_MOST_HOURS = 24 * 14


class Upload(Struct, frozen=True):
    """Where the logs go to, by which identity, and from when on."""

    pool: str
    node: str
    container: str
    identity: str
    since: datetime
    show: str


class _Answer(Struct, rename="camel"):
    virtual_directory_name: str = ""
    number_of_files_uploaded: int = 0


async def preflight(
    ctx: Context,
    pool: str,
    node: str,
    *,
    container: str | None = None,
    hours: int = 2,
    identity: str | None = None,
    account: str | None = None,
) -> Preflight:
    """Refuses what Azure would, and an address that carries a signature."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    address = _container(container)
    if not 1 <= hours <= _MOST_HOURS:
        raise CommandError(f"Logs of 1 to {_MOST_HOURS} hours can be uploaded.", ["help node upload-logs"])
    async with finding_node(ctx, source, pool, node):
        found = (await source.fetch(Node, source.node(pool, node), select="id,state")).value
    if found.state.lower() not in _ABLE:
        return Preflight(
            f"Node {elide(found.id, SHORT)} is {word(found.state)}: its agent cannot upload anything now.",
            fixes=(Fix("Node", line(ctx, source, "node show", pool, found.id)),),
        )
    known = await _identities(ctx, source, pool)
    if not _chosen(known, identity):
        why = f"Pool {pool} has the identities {', '.join(map(tail, known))}: name one." if known else (
            f"Pool {pool} has no managed identity that could write to the container. With a signature Azure can do it "
            "too, and none is taken here, because what is typed in a chat is kept: az batch node service-logs upload."
        )  # fmt: skip
        return Preflight(why)
    return Preflight(
        effects=(f"The agent's logs of {plural(hours, 'hour')} are written to {address}.",), state=found.state
    )


@command(
    _PATH,
    effect="change",
    azure=True,
    check="node show {pool} {node}",
    preflight=preflight,
    examples=["node upload-logs gpu tvmps_0f3_d container:https://logs.blob.core.windows.net/batch hours:6"],
)
async def upload_logs(
    ctx: Context,
    pool: str,
    node: str,
    *,
    container: str | None = None,
    hours: int = 2,
    identity: str | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Upload the logs of a node's agent to a blob container, for a support request.

    A managed identity of the pool writes them, which needs the role Storage Blob Data Contributor there. An address
    with a signature is refused: what is typed in a chat is kept.

    :param pool: the pool's id
    :param node: the node's id
    :param container: the container's address, without a signature
    :param hours: the logs of how many hours
    :param identity: the pool's managed identity, by its name; needed where it has several
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    chosen = _chosen(await _identities(ctx, source, pool), identity)
    asked = Upload(
        pool,
        node,
        _container(container),
        chosen,
        source.now() - timedelta(hours=hours),
        show=line(ctx, source, "node show", pool, node),
    )
    async for card in ctx.operate(_PATH, source, pool, asked):
        yield card


@workflow(_PATH, Upload, "Uploading logs of a node of pool {}")
async def uploading(run: Run, asked: Upload) -> Outcome:
    """Ask the agent. To ask twice uploads them twice, into a folder of their own, which does no harm."""
    answers: list[_Answer] = []

    async def send() -> Written:
        written = await nodes.upload_logs(
            run.writer,
            asked.pool,
            asked.node,
            container_url=asked.container,
            since=asked.since,
            identity=asked.identity,
        )
        answers.append(msgspec.json.decode(written.body or b"{}", type=_Answer))
        return written

    await run.write("upload", "Ask the node's agent", send, repeatable=True)
    answer = answers[-1] if answers else _Answer()
    files = answer.number_of_files_uploaded
    return Outcome(
        f"{plural(files, 'log file')} of node {elide(asked.node, SHORT)} on the way" if files else "Logs on the way",
        (found,) if (found := facts(("Container", asked.container), ("Folder", answer.virtual_directory_name))) else (),
        (Button("Node", asked.show),),
        after=f"logs of {asked.node} to {asked.container}",
    )


@form_of(
    _PATH,
    Field("pool", "Pool", "name", names="pool", required=True),
    Field("node", "Node", "name", names="node", required=True, refresh=True),
    Field("container", "Container", hint="Its address, without a signature", required=True, refresh=True),
    Field("hours", "Hours", "number", default="2", least=1, most=_MOST_HOURS),
    Field("identity", "The pool's identity that writes", default="its only one", more=True, refresh=True),
)
async def logs_form(ctx: Context, values: Values) -> FormChanges:
    """Says whether the agent can, and by which identity."""
    pool, node, container = values.get("pool"), values.get("node"), values.get("container")
    if not pool or not node or not container:
        return FormChanges(submit="Upload")
    found = await preflight(
        ctx, pool, node, container=container, identity=values.get("identity"), account=values.get("account")
    )
    return form_notes(found, "container", submit="Upload")


def _container(typed: str | None) -> str:
    """The container's address. Raises CommandError for one that is none, or that carries a signature."""
    if not typed:
        raise CommandError("Where to? Give the address of a blob container: container:https://…", ["help " + _PATH])
    address = urlsplit(typed)
    if address.query:
        raise CommandError(
            "That address carries a signature, which is not taken here: what is typed in a chat is kept. Revoke it, "
            "and give the address without it; a managed identity of the pool writes there."
        )
    if address.scheme != "https" or not address.netloc or not address.path.strip("/"):
        raise CommandError("A container's address is https://ACCOUNT.blob.core.windows.net/CONTAINER.")
    return typed


async def _identities(ctx: Context, source: Account, pool: str) -> list[str]:
    async with finding_pool(ctx, source, pool, "pool show"):
        found = (await source.fetch(Pool, source.pool(pool), select="id,identity")).value
    return [each.resource_id for each in found.identity.user_assigned_identities] if found.identity else []


def _chosen(known: list[str], named: str | None) -> str:
    """The identity that is meant; empty where none is, or it is not plain which."""
    fitting = [each for each in known if not named or tail(each).lower() == named.lower() or each == named]
    return fitting[0] if len(fitting) == 1 else ""
