"""Watching a job: a living card in this conversation until it is over."""

from __future__ import annotations

from datetime import datetime

from bot.alerting.watched_jobs import MOST, Watched, WatchedJobs
from bot.azure.account import Account
from bot.azure.models import Job
from bot.domain.entity import same_id
from bot.domain.states import word
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, refusal, text
from cards.card import Bullets, Button, Card, Mark, Time, Words
from cards.formatting import number, plural
from handlers.alert import parts
from handlers.shared.common import line, nearest, titled
from handlers.shared.missing import finding_job


@command(
    "job watch",
    effect="change",
    changes_with=("job",),
    check="job watch",
    examples=["job watch nightly:job-12", "job watch"],
)
async def watch_job(ctx: Context, job: str | None = None, *, account: str | None = None) -> Card:
    """Watch a job: one card with progress, rate and expected end, updated until the job is over.

    Whoever asked is notified at the end. Without a job it lists what is watched here.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    cards = _cards(ctx)
    source = ctx.account(account)
    here = cards.here(parts.here(ctx))
    if job is None:
        return _listed(ctx, source, here, cards.now())
    async with finding_job(ctx, source, job, "job watch"):
        found = (await source.fetch(Job, source.job(job), select="id,state")).value
    if found.state.lower() in ("completed", "deleting"):
        return refusal(
            f"Job {found.id} is {word(found.state)}: there is nothing more to watch.",
            "Its history and its last figures are there.",
            [
                Button("Open", line(ctx, source, "job show", found.id)),
                Button("History", line(ctx, source, "job history", found.id)),
            ],
        )
    if len(here) >= MOST and (source.name, found.id) not in {(each.account, each.job) for each in here}:
        return refusal(
            f"{plural(len(here), 'job')} are watched here already, which is the most.",
            "Stop watching one that nobody needs.",
            [Button("Watched jobs", line(ctx, source, "job watch"))],
        )
    watched = await cards.watch(parts.here(ctx), ctx.request.person, source.name, found.id)
    already = watched in here
    return Card(
        title=titled(f"Job {found.id}", "is watched here already" if already else "is watched here"),
        mark=Mark.RUNNING,
        as_of=cards.now(),
        blocks=blocks(
            Words(
                text("Its card was posted ", Time(watched.since), ", and is edited as it changes.")
                if already
                else text("Its card follows in a moment. It ends with the job, after a week at the latest.")
            ),
            build.actions(
                Button("Stop watching", line(ctx, source, "job unwatch", found.id), how="edit"),
                Button("Open", line(ctx, source, "job show", found.id)),
                Button("Watched jobs", line(ctx, source, "job watch")),
            ),
        ),
    )


async def _watched_by(ctx: Context, job: str, *, account: str | None = None) -> str:
    """Whoever has a job watched here; empty where nobody has."""
    name = account.removeprefix("account:") if account else None
    known = ctx.accounts.names
    if ctx.jobs is None or (name is not None and name not in known):
        return ""
    source = ctx.account(name)
    here = ctx.jobs.here(parts.here(ctx))
    return next((each.person.key for each in here if each.account == source.name and same_id(each.job, job)), "")


@command(
    "job unwatch",
    effect="change",
    others="operator",
    owner=_watched_by,
    check="job watch",
    examples=["job unwatch nightly:job-12"],
)
async def unwatch_job(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Stop watching a job; its card stays and says so.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    cards = _cards(ctx)
    source = ctx.account(account)
    conversation = parts.here(ctx)
    here = [each.job for each in cards.here(conversation) if each.account == source.name]
    named = next((each for each in here if same_id(each, job)), job)
    if card := await cards.unwatch(conversation, source.name, named):
        return card
    near = nearest(job, here)
    return refusal(
        f"Job “{job[:60]}” is not watched here.",
        "Did you mean one of these?" if near else "It may be over by now.",
        [
            *(Button(each, line(ctx, source, "job unwatch", each)) for each in near),
            Button("Watched jobs", line(ctx, source, "job watch")),
        ],
    )


def _cards(ctx: Context) -> WatchedJobs:
    if ctx.jobs is None:
        raise CommandError("Jobs are not watched from here: that needs the bot that “batchbot run” starts.")
    return ctx.jobs


def _listed(ctx: Context, source: Account, watched: list[Watched], at: datetime) -> Card:
    own = [each.job for each in watched if each.account == source.name]
    several = len(ctx.accounts) > 1
    return Card(
        title=titled("Watched jobs", number(len(watched))),
        mark=Mark.RUNNING if watched else Mark.IDLE,
        as_of=at,
        blocks=blocks(
            Bullets(
                tuple(
                    text(
                        code(each.job),
                        f" in {each.account}" if several else "",
                        f", for {each.person.name or each.person.id}, since ",
                        Time(each.since),
                    )
                    for each in watched
                )
            )
            if watched
            else Words(text("No job is watched here. For example: ", code("job watch JOB"))),
            build.actions(
                build.open_menu("Stop watching", line(ctx, source, "job unwatch") + " {}", own),
                Button("Active jobs", line(ctx, source, "job list", state="active")),
                Button("Refresh", line(ctx, source, "job watch"), how="edit"),
            ),
        ),
    )
