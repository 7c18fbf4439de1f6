"""``why`` over the wire: every flaw alone, and pairs of them, of which the most specific one that explains is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.azure.pipeline import Patience
from bot.domain.knowledge import row
from cards.card import Actions, Button, Card, Fold, Mark, plain
from cards.text import render
from storage.port.audit import AuditEntry
from storage.port.black_box import KeptTask
from tests.golden import check
from tests.handlers.why_world import FLAWS, NOW, Ground, ground, small

MOST = 9
"""Calls of an answer."""

OF_POOL = (
    "unusable", "disk full", "package", "image", "offline", "lost", "start task", "quota", "policy", "policy, cut",
    "timed out", "stuck", "formula", "wants none", "to zero",
)  # fmt: skip
OF_JOB = tuple(name for name in FLAWS if name != "behind")
PAIRS = (
    # two that both explain: the most specific is told (node > pool > job > schedule)
    ("unusable", "blocked"),
    ("unusable", "preparation"),
    ("unusable", "slots"),
    ("disk full", "blocked"),
    ("disk full", "preparation"),
    ("package", "slots"),
    ("image", "blocked"),
    ("lost", "slots"),
    ("offline", "blocked"),
    ("start task", "blocked"),
    ("start task", "slots"),
    ("start task", "preparation"),
    ("quota", "blocked"),
    ("quota", "slots"),
    ("policy", "blocked"),
    ("policy, cut", "slots"),
    ("timed out", "blocked"),
    ("stuck", "blocked"),
    ("stuck", "slots"),
    ("formula", "blocked"),
    ("formula", "slots"),
    ("wants none", "blocked"),
    ("to zero", "blocked"),
    ("to zero", "slots"),
    # what stops a job whatever its pool is like is told before what its pool is like
    ("disabled", "unusable"),
    ("disabled", "start task"),
    ("disabled", "quota"),
    ("disabled", "formula"),
    ("disabled", "blob"),
    ("cannot run", "unusable"),
    ("cannot run", "quota"),
    # what explains that tasks wait is told before why others failed
    ("unusable", "blob"),
    ("disk full", "upload"),
    ("quota", "blob"),
    ("policy", "upload"),
    ("formula", "upload"),
    ("stuck", "blob"),
    ("to zero", "blob"),
    ("preparation", "blob"),
    ("slots", "upload"),
    ("retries", "blob"),
    ("blob", "never ends"),
)
"""The first is told, the other is seen as well."""
BEHIND = ("unusable", "disk full", "start task", "quota", "formula", "disabled", "blocked", "preparation", "never ends")
"""What keeps a schedule's last job from its end, and so the schedule from its next."""
SITUATIONS = tuple(
    dict.fromkeys(chain([()], ((name,) for name in FLAWS), PAIRS, ((name, "behind") for name in BEHIND)))
)


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Ground]:
    """All situations, each a place of its own in one account."""
    async with ground(tmp_path, SITUATIONS) as made:
        yield made


async def test_every_flaw_is_told_with_its_evidence_in_nine_calls(account: Ground) -> None:
    for name in OF_JOB:
        found = account.places[(name,)]
        card = await account.ask(f"why job '{found.job.id}'")
        shown = str(render(card).payload["text"]).replace("\n", " ")
        assert FLAWS[name].cause in plain(card.title), (name, shown)
        assert "Evidence" in shown, name
        assert len(account.calls) <= MOST, (name, account.calls)
        assert not card.refused, name
    for name in OF_POOL:
        found = account.places[(name,)]
        card = await account.ask(f"why pool {found.pool.id}")
        assert FLAWS[name].cause in plain(card.title), (name, plain(card.title))
        assert len(account.calls) <= MOST, (name, account.calls)


async def test_of_two_causes_the_most_specific_is_told_and_the_other_was_seen(account: Ground) -> None:
    assert len(PAIRS) >= 40
    for told, seen in PAIRS:
        found = account.places[(told, seen)]
        card = await account.ask(f"why job '{found.job.id}'")
        assert FLAWS[told].cause in plain(card.title), (told, seen, plain(card.title))
        assert FLAWS[seen].cause[:30] in small(card), (told, seen, small(card))
        assert len(account.calls) <= MOST, (told, seen, account.calls)


async def test_a_schedule_is_held_up_by_what_holds_up_its_last_job(account: Ground) -> None:
    for name in BEHIND:
        found = account.places[(name, "behind")]
        card = await account.ask(f"why schedule {found.schedule.id}")
        assert FLAWS[name].cause in plain(card.title), (name, plain(card.title))
        assert row("schedule.held_up").cause[:40] in small(card), (name, small(card))
        assert len(account.calls) <= MOST, (name, account.calls)
    alone = await account.ask(f"why schedule {account.places['behind',].schedule.id}")
    assert row("schedule.held_up").cause in plain(alone.title)


async def test_five_answers_on_both_platforms(account: Ground) -> None:
    node = account.places["disk full",].nodes[0].id
    for name, flaws, asked in (
        ("well", (), "why pool {pool}"),
        ("quota", ("quota", "blocked"), "why job '{job}'"),
        ("disk-full", ("disk full",), f"why node {{pool}} {node}"),
        ("blocked", ("blocked",), "why task '{job}' task-000000"),
        ("behind", ("behind",), "why schedule {schedule}"),
    ):
        found = account.places[flaws]
        typed = asked.format(pool=found.pool.id, job=found.job.id, schedule=found.schedule.id)
        check(f"why-{name}", await account.ask(typed, who="operator"))


async def test_the_button_that_mends_is_first_for_those_who_may(account: Ground) -> None:
    for name, command in (
        ("disabled", "job enable"),
        ("disk full", "node"),
        ("never ends", "job set"),
        ("formula", "pool autoscale edit"),
        ("blocked", "task reactivate"),
        ("gone", "job move"),
        ("timed out", "pool resize"),
    ):
        job = account.places[name,].job.id
        first = _buttons(await account.ask(f"why job '{job}'", who="operator"))[0]
        assert first.command.startswith(command), (name, first)
        assert first.style == "primary", (name, first)
        reading = _buttons(await account.ask(f"why job '{job}'"))
        changing = [each for each in reading if each.how == "form"]
        assert not changing, (name, changing)
        assert 1 <= len(reading) <= 5, (name, reading)


async def test_without_a_name_the_worst_of_the_account_is_told_and_the_others_named(account: Ground) -> None:
    card = await account.ask("why")
    assert "worst in render" in plain(card.title)
    folded = next(block for block in card.blocks if isinstance(block, Fold))
    assert "pool p02" in small(card)
    assert folded.command == "why also"
    whole = await account.ask(folded.command)
    assert not any(isinstance(block, Fold) for block in whole.blocks)
    assert "pool p02" in str(render(whole).payload["text"]), "told in full where that was asked for"
    assert len(account.calls) <= MOST, account.calls
    found = account.places["disabled",].job.id
    by_name = await account.ask(f"why '{found}'")
    assert row("job.disabled").cause in plain(by_name.title)
    assert len(account.calls) <= MOST, account.calls
    missing = await account.ask("why p99")
    assert missing.refused
    assert "no pool, job or schedule" in plain(missing.title)


async def test_who_did_it_is_known_by_our_own_audit(account: Ground) -> None:
    found = account.places["disabled",].job
    since = found.body.state_transition_time
    entry = AuditEntry(
        at=since, correlation="c", request="r", person="text:operator", home="", conversation="text:here",
        account="render", command=f"job disable '{found.id}'", target=f"job {found.id}", effect="change", rule="role",
        result="done",
    )  # fmt: skip
    await account.store.append_audit(entry)
    odd = replace(entry, command='job disable "half a quote, since what was hidden took the other half along')
    await account.store.append_audit(odd)
    shown = str(render(await account.ask(f"why job '{found.id}'")).payload["text"])
    assert "asked of me by" in shown


async def test_what_batch_has_no_more_is_told_of_the_black_box(account: Ground) -> None:
    place = account.places["never ends",]
    place.tasks(failed=1)
    task = next(iter(place.job.tasks.values()))
    place.fail(task, "FailureExitCode", exit_code=1)
    task.node_id = "tvmps_gone_d"
    ended = task.execution_info.end_time
    box = KeptTask("render", place.job.id, task.id, ended, ended, exit_code=1, line="ValueError: no such frame 7")
    other = replace(box, at=ended - timedelta(hours=1), line="KeyError: the run before")
    await account.store.keep([box, other])
    for asked in (f"why task '{place.job.id}' {task.id}", f"why job '{place.job.id}'"):
        shown = str(render(await account.ask(asked)).payload["text"])
        assert "ValueError: no such frame 7" in shown, shown
        assert "KeyError" not in shown
        assert "what the bot kept of the output" in shown
        assert len(account.calls) <= MOST, account.calls


async def test_what_cannot_be_read_is_not_called_well(account: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.azure.pipeline.Patience.configure_retries", _never)
    for faults in account.sandbox.faults.values():
        faults.load(msgspec.json.encode({"kind": "error", "status": 500, "path": "/nodecounts"}))
    card = await account.ask(f"why pool {account.places[()].pool.id}")
    assert "not all could be read" in plain(card.title)
    assert card.mark is Mark.WARNING


def _never(self: Patience, options: dict[str, Any]) -> dict[str, Any]:
    asked = super(Patience, self).configure_retries({**options, "retry_total": 0, "retry_connect": 0})
    return {**asked, "until": 0.0}


def _buttons(card: Card) -> list[Button]:
    return [
        each for block in card.blocks if isinstance(block, Actions) for each in block.items if isinstance(each, Button)
    ]


@pytest.mark.parametrize(
    ("flaw", "running", "how", "last"),
    [
        ("blob", 1, "does its work, but job p00-s:job-1: 1 of 41 tasks failed", "1 of its tasks running, 0 waiting"),
        ("quota", 0, "has no tasks waiting, but pool p00: the account's quota", "0 of its tasks running, 0 waiting"),
    ],
)
async def test_a_schedule_does_its_work_while_something_of_it_runs(
    tmp_path: Path, flaw: str, running: int, how: str, last: str
) -> None:
    async with ground(tmp_path, [(flaw,)]) as here:
        [place] = here.places.values()
        place.job.body.creation_time = NOW - timedelta(minutes=1)
        place.tasks(running=running, succeeded=39 * running, failed=running)
        card = await here.ask(f"why schedule {place.schedule.id}")
        assert plain(card.title).startswith(f"Schedule p00-s {how}"), plain(card.title)
        assert last in str(card.blocks)
