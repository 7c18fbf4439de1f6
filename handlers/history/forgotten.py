"""What the bot kept of something that Batch has forgotten, as the answer to who asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.azure.account import Account
from bot.domain.entity import EntityKind, schedule_of
from bot.requests.command import Instead
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, facts, muted, text, when
from cards.card import Block, Button, Card, Mark, Words
from cards.formatting import money, number
from handlers.history.entity import Subject, incidents_of, transitions_of
from handlers.history.parts import about, changes, failures
from handlers.shared.common import line, run_time, section, titled
from handlers.shared.kept import kept_of, kept_sections, logs_of
from storage.port.runs import JobRun

_LAST = 5
"""Changes that stand on the card; the others are in the history."""
_COUNTED = 1_000


@asynccontextmanager
async def or_forgotten(
    ctx: Context, source: Account, kind: EntityKind, name: str, parent: str = ""
) -> AsyncIterator[None]:
    """Around what ends with the answer that something is not there: where the bot has seen it, that is told instead.

    ``parent`` is the pool of a node or the job of a task.
    """
    try:
        yield
    except Instead as answer:
        raise Instead(await _card(ctx, source, kind, name, parent) or answer.card) from None


async def _card(ctx: Context, source: Account, kind: EntityKind, name: str, parent: str) -> Card | None:
    """What was kept of it; None where it was never seen."""
    seen = await transitions_of(ctx, source, kind, name, parent, _COUNTED)
    runs = await ctx.store.job_runs(source.name, job=name, limit=1) if kind == "job" else []
    boxes = await kept_of(ctx, source, kind, parent, name)
    if not seen and not runs and not boxes:
        return None
    names = [parent, name] if parent else [name]
    incidents = await incidents_of(ctx, source, Subject.of(source, kind, name, parent))
    run = runs[0] if runs else None
    schedule = schedule_of(name) if kind == "job" else ""
    history = line(ctx, source, f"{kind} history", *names)
    everything = line(ctx, source, f"{kind} list", *([parent] if parent else []))
    return Card(
        title=titled(f"{kind.capitalize()} {name}", "Batch no longer knows it"),
        mark=Mark.STOPPED,
        as_of=source.now(),
        blocks=blocks(
            Words(text(muted("This is what the bot kept of it."))),
            receipt(run) if run else None,
            *(kept_sections(boxes[0]) if boxes else ()),
            *section("Last changes", changes(seen[:_LAST], name)),
            *failures(seen),
            *about(incidents),
            build.actions(
                Button("History", history, style="primary"),
                *(logs_of(ctx, source, boxes[0], 1) if boxes else ()),
                Button("As CSV", f"{history} csv") if seen else None,
                Button("Pool", line(ctx, source, "pool show", run.pool)) if run and run.pool else None,
                Button("Schedule", line(ctx, source, "schedule show", schedule)) if schedule else None,
                Button("Runs", line(ctx, source, "cost schedule", schedule)) if schedule else None,
                Button(f"All {kind}s", everything),
            ),
        ),
    )


def receipt(run: JobRun) -> Block | None:
    """What a job came to, as its receipt said when it ended."""
    least = "at least " if run.at_least else ""
    hours = run.core_seconds / 3600 if run.core_seconds is not None else None
    return facts(
        ("Started", when(run.started)),
        ("Ended", when(run.ended)),
        ("Ran for", run_time(run.started, run.ended)),
        ("Tasks", number(run.tasks) if run.tasks is not None else None),
        ("Failed", number(run.failed) if run.failed is not None else None),
        ("Retries", number(run.retries) if run.retries else None),
        ("Core-hours", f"{least}{number(round(hours, 1))}" if hours is not None else None),
        ("Cost", f"{least}{money(run.cost, run.currency)}" if run.cost is not None and run.currency else None),
        (
            "Its share of idle",
            money(run.idle_cost, run.currency) if run.idle_cost is not None and run.currency else None,
        ),
        ("Pool", code(run.pool) if run.pool else None),
    )
