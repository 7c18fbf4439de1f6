"""What the verbs of schedules share: reading one, refusing what its state does not allow, and following it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import JobSchedule
from bot.azure.plane import Written
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure
from bot.requests.context import Context
from cards.card import Action, Button
from handlers.shared import followed
from handlers.shared.common import line
from handlers.shared.followed import GONE, OVER, Before
from handlers.shared.missing import finding_schedule
from handlers.shared.verbs import more, unless_gone, verb

SELECT = "id,eTag,state,schedule,executionInfo"
"""What is needed of a schedule."""


class OnSchedule(Struct, frozen=True):
    """A schedule, and the commands that show it and that take the change back (empty where none does)."""

    schedule: str
    show: str
    back: str = ""


async def found_schedule(ctx: Context, source: Account, schedule: str, wanted: str) -> JobSchedule:
    """The schedule, as far as verbs need it; ``wanted`` is the command that the nearest names are offered for."""
    async with finding_schedule(ctx, source, schedule, wanted):
        return (await source.fetch(JobSchedule, source.schedule(schedule), select=SELECT)).value
    raise AssertionError("it is found, or the answer says that it is not")


def ended(ctx: Context, source: Account, schedule: JobSchedule) -> Preflight | None:
    """The refusal where a schedule ends, has ended or goes."""
    why = OVER.get(schedule.state.lower())
    if why is None:
        return None
    show = Fix("Open schedule", line(ctx, source, "schedule show", schedule.id))
    return Preflight(f"Schedule {schedule.id} cannot be changed any more: {why}.", fixes=(show,))


async def state_of(run: Run, schedule: str) -> str:
    """A schedule's state in lower case, :data:`GONE` where it is gone."""

    async def read() -> JobSchedule:
        return (await run.account.fetch(JobSchedule, run.account.schedule(schedule), select="id,state")).value

    found = await unless_gone(read)
    return found.state.lower() if found else GONE


async def before(run: Run, schedule: str) -> Before:
    """The schedule when the change began. Raises Failure where it is gone."""

    async def read() -> Before:
        async def fetch() -> JobSchedule:
            path = run.account.schedule(schedule)
            return (await run.account.fetch(JobSchedule, path, select="id,state,eTag")).value

        found = await unless_gone(fetch)
        if found is None:
            raise Failure(f"Schedule {schedule} does not exist any more.")
        return Before(found.etag, found.state.lower())

    return await run.once("before", Before, read)


async def ask(
    run: Run, schedule: str, name: str, title: str, send: Callable[[], Awaitable[Written]], *landed: str
) -> None:
    """Send a change of a schedule's state; the states ``landed`` say that it took effect."""
    await followed.ask(run, lambda: state_of(run, schedule), name, title, send, landed)


async def until(run: Run, schedule: str, name: str, title: str, *states: str) -> str:
    """Wait until a schedule is in one of the states, or gone; the state that it is in."""
    return await followed.until(run, lambda: state_of(run, schedule), name, title, {*states, GONE})


def show(asked: OnSchedule) -> Button:
    """The button to the schedule."""
    return Button("Open schedule", asked.show, style="primary")


def buttons(ctx: Context, source: Account, schedule: str, state: str) -> tuple[Action | None, ...]:
    """What somebody may do to a schedule in a state: the likely verbs, and a menu of the others."""
    state = state.lower()
    opened = state not in OVER
    rest = [("Edit…", "set"), ("Terminate…", "terminate")] if opened else []
    rest += [("Delete…", "delete")] if state != "deleting" else []
    return (
        verb(ctx, source, "Run now…", "schedule run", schedule, how="form") if state != "deleting" else None,
        verb(ctx, source, "Enable", "schedule enable", schedule) if state == "disabled" else None,
        verb(ctx, source, "Disable", "schedule disable", schedule) if state == "active" else None,
        more(ctx, source, "schedule", (schedule,), rest),
    )
