"""Steps that the workflows of pools share: read the pool, wait until it is steady, and take nodes out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import timedelta

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import NodeRow, Pool
from bot.azure.models.base import certain
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.domain.entity import fold
from bot.domain.nodes import ErrorText
from bot.domain.states import NODES, NodeState, NodeStateFacts, facts_of
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run, Status
from bot.requests.context import Context
from cards.card import Button
from cards.formatting import number, plural
from handlers.shared.common import line

SELECT = (
    "id,eTag,creationTime,state,allocationState,allocationStateTransitionTime,vmSize,virtualMachineConfiguration,"
    "currentDedicatedNodes,currentLowPriorityNodes,targetDedicatedNodes,targetLowPriorityNodes,enableAutoScale,"
    "resizeErrors"
)
"""What is read of a pool before it is changed, and while its nodes come and go."""
SIZES = ("Dedicated nodes", "Spot nodes")
"""What the look ahead of a resize calls the numbers of nodes."""
BROKEN: tuple[NodeState, ...] = ("unusable", "starttaskfailed")
"""States of nodes that do no work and come out of that by no means of their own. A node of state unknown may."""
_LEAVING = "leavingpool"
_READY = timedelta(minutes=30)
"""How long new nodes are waited for, once the pool has them: a boot and a start task rarely take longer."""


class Targets(Struct, frozen=True):
    """The numbers of nodes that a pool wants, and the ETag that it has then."""

    dedicated: int
    spot: int
    etag: str = ""

    @classmethod
    def of(cls, pool: Pool) -> Targets:
        """As the pool is. Raises AzureError where it does not say that: a change would be taken back to no nodes."""
        return cls(*wanted_of(pool), pool.etag)

    def asked(self, dedicated: int | None, spot: int | None) -> Targets:
        """As they will be; None stays."""
        return Targets(self.dedicated if dedicated is None else dedicated, self.spot if spot is None else spot)

    @property
    def nodes(self) -> int:
        """Both kinds."""
        return self.dedicated + self.spot

    def __str__(self) -> str:
        return f"{self.dedicated} dedicated and {self.spot} spot nodes"


def wanted_of(pool: Pool) -> tuple[int, int]:
    """The dedicated and the spot nodes that a pool wants; one that scales itself need not say it.

    Raises AzureError where another one does not.
    """
    dedicated, spot = pool.target_dedicated_nodes, pool.target_low_priority_nodes
    if pool.enable_auto_scale:
        return dedicated or 0, spot or 0
    what = f"how many nodes pool {pool.id} wants"
    return certain(dedicated, what), certain(spot, what)


def left(wanted: Targets) -> dict[str, str]:
    """What a pool is left with, by the names that the look ahead of a resize gives it; see Outcome.left."""
    return dict(zip(SIZES, (str(wanted.dedicated), str(wanted.spot)), strict=True))


def has(pool: Pool) -> Targets:
    """The nodes that a pool has."""
    return Targets(pool.current_dedicated_nodes, pool.current_low_priority_nodes)


def unsteady(ctx: Context, source: Account, pool: Pool) -> Preflight | None:
    """The refusal where a pool is not active and steady, which most changes of its nodes need; None where it is."""
    if pool.state.lower() != "active":
        return Preflight(f"Pool {pool.id} is {pool.state}.")
    allocation = pool.allocation_state.lower()
    if allocation == "steady":
        return None
    stoppable = allocation == "resizing" and not pool.enable_auto_scale
    return Preflight(
        f"Pool {pool.id} is {allocation} now: that can be done when it is steady.",
        fixes=(Fix("Stop the resize", line(ctx, source, "pool stop-resize", pool.id)),) if stoppable else (),
    )


def halted(pool: Pool, wanted: Targets) -> str:
    """``stopped at 2 of 5 nodes``, where a pool came to rest with others than were asked for and Azure reports no
    error: somebody stopped it, or asked for something else meanwhile. Empty where it has what was asked for.
    """
    now = has(pool)
    if str(now) == str(wanted):
        return ""
    return f"stopped at {number(now.nodes)} of {plural(wanted.nodes, 'node')}"


def may_help(errors: Sequence[ErrorText]) -> bool:
    """Whether asking for the nodes again can bring more: not where a quota is used up."""
    return not any("quota" in code.lower() for code, *_ in errors)


async def read(run: Run, pool: str) -> Pool:
    """The pool as it is now."""
    return (await run.account.fetch(Pool, run.account.pool(pool), select=SELECT)).value


async def wait_steady(run: Run, name: str, pool: str, wants: int, *, stop: str = "") -> Pool:
    """Follow until the pool is steady, as the step ``name``; it should have so many nodes then.

    ``stop`` is the command that stops it meanwhile; empty for none.
    """
    had = await run.once(f"{name}-from", int, lambda: _count(run, pool))

    async def arrived() -> Status:
        found = await read(run, pool)
        nodes = has(found).nodes
        steady = found.allocation_state.lower() == "steady"
        return Status(steady, f"{plural(nodes, 'node')}, {wants} wanted", abs(nodes - had), abs(wants - had))

    run.view.stop = Button("Stop the resize", stop) if stop else None
    try:
        await run.until(name, "Wait until the pool is steady", arrived)
    finally:
        run.view.stop = None
    return await read(run, pool)


async def resize(
    run: Run,
    name: str,
    pool: str,
    wanted: Targets,
    *,
    etag: str,
    deallocation: pools.Deallocation | None = None,
    minutes: int = 0,
    stop: str = "",
) -> Pool:
    """Ask for so many nodes as the step ``name``, and wait until the pool is steady.

    ``minutes`` is how long that may take, 0 for the service's default; ``stop`` is the command that stops it.
    """

    def send() -> Awaitable[Written]:
        return pools.resize(
            run.writer,
            pool,
            dedicated=wanted.dedicated,
            spot=wanted.spot,
            resize_timeout=f"PT{minutes}M" if minutes else "",
            deallocation=deallocation,
            etag=etag,
        )

    async def landed() -> bool:
        return str(Targets.of(await read(run, pool))) == str(wanted)

    await run.write(name, f"Ask Azure for {wanted}", send, landed=landed)
    return await wait_steady(run, f"{name}-steady", pool, wanted.nodes, stop=stop)


async def remove(run: Run, pool: str, nodes: Sequence[str], deallocation: pools.Deallocation | None) -> Targets:
    """Take nodes out of a pool, as many in a call as one takes, one call after another; how many of each kind went.

    The pool is steady in between, because Azure refuses a call while it is not. Where somebody asks to stop it, the
    calls that were not begun are left out.
    """
    portions = [nodes[at : at + pools.MOST_REMOVED] for at in range(0, len(nodes), pools.MOST_REMOVED)]
    gone = Targets(0, 0)
    for call, portion in enumerate(portions, 1):
        run.view.stoppable = call < len(portions)
        if call > 1 and not await run.once(f"go-on-{call}", bool, lambda: _goes_on(run)):
            break
        went = await _remove_portion(run, pool, portion, deallocation, call, len(portions))
        gone = Targets(gone.dedicated + went.dedicated, gone.spot + went.spot)
    run.view.stoppable = False
    return gone


async def _remove_portion(
    run: Run, pool: str, portion: Sequence[str], deallocation: pools.Deallocation | None, number: int, of: int
) -> Targets:
    """One call of :func:`remove`. Nodes that have gone by themselves are left out: Azure would refuse the whole."""
    before = await run.once(f"before-{number}", Targets, lambda: targets(run, pool))
    there = await run.once(f"nodes-{number}", dict[str, bool], lambda: _there(run, pool, portion))
    went = Targets(sum(there.values()), len(there) - sum(there.values()))
    after = Targets(before.dedicated - went.dedicated, before.spot - went.spot)
    if not there:
        return went

    def send() -> Awaitable[Written]:
        return pools.remove_nodes(run.writer, pool, list(there), deallocation=deallocation, etag=before.etag)

    async def landed() -> bool:
        if not await _there(run, pool, list(there)):
            return True
        return str(await targets(run, pool)) == str(after)

    part = f" ({number} of {of})" if of > 1 else ""
    await run.write(f"remove-{number}", f"Remove {plural(len(there), 'node')}{part}", send, landed=landed)
    await wait_steady(run, f"steady-{number}", pool, after.nodes)
    return went


async def wait_ready(run: Run, name: str, pool: str) -> None:
    """Follow until no node of the pool is on its way any more, as the step ``name``."""

    async def check() -> Status:
        now = list((await rows(run, pool)).values())
        coming = sum(1 for row in now if _comes(row.state))
        return Status(not coming, f"{plural(coming, 'node')} on the way" if coming else "", len(now) - coming, len(now))

    await run.until(name, "Wait until the new nodes are ready", check, every=10.0, longest=_READY)


async def targets(run: Run, pool: str) -> Targets:
    """What the pool wants now."""
    return Targets.of(await read(run, pool))


async def rows(run: Run, pool: str) -> dict[str, NodeRow]:
    """The nodes of the pool by their folded ids."""
    found, _ = await run.account.every(NodeRow, run.account.nodes(pool), select="id,state,isDedicated")
    return {fold(row.id): row for row in found}


def _comes(state: str) -> bool:
    facts = facts_of(NODES, state)
    return isinstance(facts, NodeStateFacts) and facts.role == "coming"


async def _goes_on(run: Run) -> bool:
    return not run.stopping


async def _count(run: Run, pool: str) -> int:
    return has(await read(run, pool)).nodes


async def _there(run: Run, pool: str, nodes: Sequence[str]) -> dict[str, bool]:
    """Those of the nodes that the pool has and that are not on their way out, and whether each is dedicated."""
    now = await rows(run, pool)
    return {each: row.is_dedicated for each in nodes if (row := now.get(fold(each))) and row.state.lower() != _LEAVING}
