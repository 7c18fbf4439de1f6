"""The living card of a job: how far it is, how fast it goes, when it may be done, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.alerting.rules.failures import causes_of
from bot.chat.request import Person
from bot.domain.failures import usual
from bot.domain.findings import CauseCount
from bot.domain.job_endings import ended_because
from bot.domain.pools import has, in_state
from bot.domain.states import is_over
from bot.monitor.scene import JobView, PoolView
from cards.build import actions, blocks, bold, chip, facts, muted, note, text
from cards.card import Block, Bullets, Button, Card, Heading, Mark, Mention, Progress, Text, Time, Words
from cards.command_line import command
from cards.formatting import duration, number, percent, plural

WINDOWS = (timedelta(minutes=10), timedelta(minutes=60))
"""How far back the rates reach: what goes on now, and what went on so far. Between them lies when it may be done."""
_LEAST = timedelta(seconds=60)
"""Two counts have to lie so far apart to make a rate."""
_FAR = timedelta(days=30)
_SAME = timedelta(minutes=2)
"""Two ends this close together are shown as one."""
_CAUSES = 3
_STATES = {"active": Mark.RUNNING, "completed": Mark.DONE, "disabled": Mark.STOPPED}


class Pace(Struct, frozen=True):
    """How fast a job goes: tasks per minute, lately; and when it may be done, at the earliest and at the latest.

    ``earliest`` and ``latest`` are None where nothing ended lately, or nothing is left.
    """

    rate: float | None = None
    earliest: datetime | None = None
    latest: datetime | None = None


def pace_of(job: JobView) -> Pace:
    """From the counts of the last hour: tasks that ended within the last ten minutes, and within all of it."""
    if job.counted is None:
        return Pace()
    rates = [rate for window in WINDOWS if (rate := _rate(job.rate, job.counted - window)) is not None]
    if not rates:
        return Pace()
    left = (job.active or 0) + job.running
    going = [rate for rate in rates if rate > 0]
    if not left or not going:
        return Pace(rates[0])
    spans = [timedelta(minutes=min(left / rate, _FAR.total_seconds() / 60)) for rate in going]
    return Pace(rates[0], job.counted + min(spans), job.counted + max(spans))


def _rate(samples: Sequence[tuple[datetime, int, int]], since: datetime) -> float | None:
    """Tasks per minute since a moment; tasks that are run again count back, and make no rate below zero."""
    within = sorted(each for each in samples if each[0] >= since)
    if not within or within[-1][0] - within[0][0] < _LEAST:
        return None
    minutes = (within[-1][0] - within[0][0]).total_seconds() / 60
    return max(0.0, (within[-1][1] - within[0][1]) / minutes)


class JobCardWriter:
    """Writes the cards. ``zone`` gives a conversation's time zone, ``several`` is True with more than one account."""

    def __init__(self, zone: Callable[[str], str], *, several: bool) -> None:
        self._zone = zone
        self._several = several

    def command(self, account: str, path: str, *names: str, **options: object) -> str:
        """A command that means its account wherever there are several."""
        return command(path, *names, **options, account=account if self._several else None)

    def card(
        self,
        account: str,
        job: JobView,
        pools: Mapping[str, PoolView],
        conversation: str,
        at: datetime,
        *,
        ended: str = "",
        asker: Person,
    ) -> Card:
        """The card as of ``at`` (the service's clock); ``ended`` says why it is the last one, or is empty."""
        done, total = job.succeeded + job.failed, job.total
        counted = job.active is not None
        mark = _mark(job, over=bool(ended))
        who = asker.name or asker.id
        return Card(
            title=text(
                bold(f"job {job.id}"),
                f" · {number(done)} of {plural(total, 'task')} done, {percent(done, total)}" if counted else "",
                f" · {number(job.failed)} failed" if job.failed else "",
                f" · {ended}" if ended else "",
                ", counted before its end" if ended and counted and is_over(job.state) and not job.final else "",
                f" · {account}" if self._several else "",
            ),
            mark=mark,
            as_of=at,
            zone=self._zone(conversation),
            blocks=blocks(
                Progress("Tasks", done, total, "tasks", mark) if total else None,
                None if counted or ended else Words(text(muted("Its tasks are counted at the next poll."))),
                facts(
                    *(() if ended else _going(job)),
                    ("Succeeded", number(job.succeeded) if counted else None),
                    ("Failed", chip(Mark.FAILED, number(job.failed)) if job.failed else None),
                    ("Pool", _pool(job, pools)),
                    ("Started", text(Time(job.started, "clock" if ended else "both")) if job.started else None),
                    ("Ran for", duration(job.ended - job.started) if job.ended and job.started else None),
                    ("Ended because", ended_because(job.reason) if ended else None),
                ),
                *_causes(job),
                actions(
                    Button("Open", self.command(account, "job show", job.id), style="primary"),
                    Button("Failed tasks", self.command(account, "task list", job.id, state="failed"))
                    if job.failed
                    else None,
                    Button("History", self.command(account, "job history", job.id)) if ended else None,
                    None
                    if ended
                    else Button("Stop watching", self.command(account, "job unwatch", job.id), how="edit"),
                ),
                note(
                    f"watched for {who}"
                    + ("" if ended else ", edited as it changes; it ends with the job, after a week at the latest")
                ),
            ),
        )

    def over(self, account: str, job: JobView, conversation: str, at: datetime, ended: str, asker: Person) -> Card:
        """What is said aloud at the end, to whoever asked."""
        so_far = " so far" if is_over(job.state) and not job.final else ""
        failed = f", {number(job.failed)} of {plural(job.total, 'task')} failed{so_far}" if job.failed else ""
        return Card(
            title=text(Mention(asker.key, asker.name), " ", bold(f"job {job.id} {ended}{failed}")),
            mark=_mark(job, over=True),
            as_of=at,
            zone=self._zone(conversation),
            blocks=blocks(
                actions(
                    Button("Failed tasks", self.command(account, "task list", job.id, state="failed"))
                    if job.failed
                    else None,
                    Button("Open", self.command(account, "job show", job.id)),
                    Button("History", self.command(account, "job history", job.id)),
                )
            ),
        )


def _mark(job: JobView, *, over: bool) -> Mark:
    if job.failed:
        return Mark.FAILED if over else Mark.WARNING
    return _STATES.get(job.state.lower(), Mark.STOPPED if over else Mark.CHANGING)


def _going(job: JobView) -> tuple[tuple[str, str | Text | None], ...]:
    """What is only of interest while it runs."""
    pace = pace_of(job)
    state = job.state.lower()
    return (
        ("State", state if state and state != "active" else None),
        ("Running", number(job.running) if job.active is not None else None),
        ("Waiting", number(job.active) if job.active is not None else None),
        ("Rate", f"{number(round(pace.rate, 1))} tasks a minute" if pace.rate is not None else None),
        ("Ends", _end(pace)),
    )


def _end(pace: Pace) -> Text:
    """``between 14:20 and 14:45``, or nothing where nothing ends."""
    if pace.earliest is None or pace.latest is None:
        return ()
    if pace.latest - pace.earliest < _SAME:
        return text("about ", Time(pace.latest, "clock"))
    return text("between ", Time(pace.earliest, "clock"), " and ", Time(pace.latest, "clock"))


def _pool(job: JobView, pools: Mapping[str, PoolView]) -> str:
    """``render-gpu · 12 of 20 nodes work``."""
    pool = pools.get(job.pool)
    if pool is None:
        return job.pool
    nodes = has(pool)
    busy = f"{number(in_state(pool, 'running'))} of {plural(nodes, 'node')} at work" if nodes else "no nodes"
    return f"{job.pool} · {busy}"


def _causes(job: JobView) -> list[Block]:
    causes = causes_of(job)
    if not causes:
        return []
    lines = [_cause(each) for each in causes[:_CAUSES]]
    if rest := causes[_CAUSES:]:
        more = plural(len(rest), "more cause")
        lines.append(text(bold(f"{number(sum(each.count for each in rest))} ×"), f"  {more}"))
    return [Heading("What failed"), Bullets(tuple(lines))]


def _cause(tally: CauseCount) -> Text:
    """``198 ×  exit code 137: killed (SIGKILL), usually out of memory (frame-0021)``."""
    means = usual(tally.cause)
    example = muted(f" ({tally.example})") if tally.example else None
    return text(bold(f"{number(tally.count)} ×"), f"  {tally.cause}{f': {means}' if means else ''}", example)
