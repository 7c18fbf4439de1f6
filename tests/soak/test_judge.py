"""The judge itself: what is lost, late, wrong or there twice is planted, and each turns it red."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.soak.evidence import keep, look, shown
from tests.soak.expected import expected, kinds
from tests.soak.heard import Version, lines_of
from tests.soak.judge import Verdict, judge
from tests.soak.outcome import Outcome, Seen
from tests.soak.record import Change
from tests.soak.times import BEYOND, MOST_LAG, Times
from tests.soak.waited import Waited

NODE = "tvmps_1a2b8f1ff1fd42a29755d4c13a902931cd447e35b8b6d8fe442e3d437204e52d_d"
SHORT = "AllocationFailed"
TIMES = Times(poll=30.0, gather=2.0, lives=[(0.0, 10_000.0)])
HAPPENED = [
    Change(thing="job", id="render-1", before="", after="active", at=100.0),
    Change(thing="task", parent="render-1", id="task-1", before="", after="failed", at=200.0, why="exit code 1"),
    Change(thing="task", parent="render-1", id="task-2", before="", after="failed", at=210.0, why="exit code 1"),
    Change(thing="job", id="render-1", before="active", after="terminating", at=399.0),
    Change(thing="job", id="render-1", before="terminating", after="completed", at=400.0, many=2, of=5),
    Change(thing="job", id="render-2", before="", after="active", at=100.0),
    Change(thing="job", id="render-2", before="active", after="completed", at=500.0, of=3),
    Change(thing="node", parent="farm", id=NODE, before="idle", after="unusable", at=300.0),
    Change(thing="node", parent="farm", id=NODE, before="unusable", after="idle", at=600.0),
    Change(thing="allocation", id="farm", before="steady", after="resizing", at=700.0),
    Change(thing="allocation", id="farm", before="resizing", after="steady", at=720.0, many=4, of=4),
    Change(thing="allocation", id="farm", before="steady", after="resizing", at=800.0),
    Change(thing="allocation", id="farm", before="resizing", after="steady", at=801.0, many=4, of=6, why=SHORT),
    Change(thing="schedule", id="nightly", before="active", after="disabled", at=300.0),
    Change(thing="schedule", id="nightly", before="disabled", after="completed", at=600.0),
    Change(thing="retry", parent="render-3", id="task-1", before="again", after="again", at=300.0, many=5),
]  # fmt: skip
_TOLD = (
    (120.0, "started-1", "", "job render-1 has started"),
    (120.0, "started-2", "", "job render-2 has started"),
    (221.0, "failing-1", "", "▲ job render-1: 2 of 5 tasks failed"),
    (420.0, "failing-1", "", "▲ job render-1 ended: 2 of 5 tasks failed · over, not mended"),
    (421.0, "history-1", "failing-1", "History · over and not mended"),
    (520.0, "ended-2", "", "job render-2 has completed: 3 tasks in 6 min"),
    (320.0, "nodes", "", "▲ pool farm has 1 unusable node of 4"),
    (620.0, "nodes", "", "✔ pool farm has 1 unusable node of 4 · resolved after 5 min"),
    (740.0, "size", "", "pool farm has 4 nodes after its resize"),
    (820.0, "short", "", "▲ pool farm has 4 of the 6 nodes it wants"),
    (320.0, "nightly", "", "schedule nightly was disabled"),
    (620.0, "nightly-over", "", "schedule nightly has come to its end"),
    (320.0, "retries", "", "✖ job render-3: 1 task fails again and again, 5 retries"),
)


_MORE = ("exit code 1", f"{SHORT}: Desired number of nodes could not be allocated", "tvmps_1a2b…37204e52d_d")


def told() -> list[Version]:
    """All of it, on both platforms, as it should be."""
    return [
        Version(platform=platform, message=message, thread=thread, at=at, lines=(text, *_MORE, _foot(message)))
        for platform in ("slack", "teams")
        for at, message, thread, text in _TOLD
    ]


def _foot(message: str) -> str:
    return f"pool.resized {sum(message.encode()):08x} · as of 12:00 UTC" if message != "history-1" else ""


def verdict(versions: list[Version], times: Times = TIMES, happened: list[Change] = HAPPENED) -> Verdict:
    return judge(expected(happened, kinds()), versions, times, until=9_000.0, end=10_000.0)


def without(message: str, platform: str = "teams", **where: Any) -> list[Version]:
    return [
        each
        for each in told()
        if not (
            each.platform == platform and each.message == message and all(where[x] == getattr(each, x) for x in where)
        )
    ]


def test_what_is_told_as_it_was_is_sound() -> None:
    found = verdict(told())
    assert found.sound, (found.lost, found.late, found.wrong, found.doubles)
    assert found.expected == {
        "job.started": 2, "job.failed": 1, "job.completed": 1, "task.failed": 2, "task.retrying": 1, "node.unusable": 1,
        "node.unusable over": 1, "pool.resized": 1, "pool.resize_failed": 1, "schedule.disabled": 1,
        "schedule.completed": 1,
    }  # fmt: skip
    assert sum(found.told.values()) == 2 * sum(found.expected.values())


@pytest.mark.parametrize("platform", ["slack", "teams"])
@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("started-2", "job.started"),
        ("ended-2", "job.completed"),
        ("nodes", "node.unusable"),
        ("size", "pool.resized"),
        ("short", "pool.resize_failed"),
        ("nightly", "schedule.disabled"),
        ("nightly-over", "schedule.completed"),
        ("retries", "task.retrying"),
    ],
)
def test_a_message_that_is_missing_on_one_platform_is_lost(platform: str, message: str, kind: str) -> None:
    found = verdict(without(message, platform))
    assert not found.sound
    assert (platform, kind) in [(where, each.kind) for where, each in found.lost]


def test_a_node_that_is_well_again_and_not_said_to_be_is_lost() -> None:
    found = verdict(without("nodes", at=620.0))
    assert [(where, str(each)) for where, each in found.lost] == [("teams", "node.unusable over farm")]


def test_that_it_was_well_before_does_not_tell_that_it_is_broken() -> None:
    again = [
        *HAPPENED,
        Change(thing="node", parent="farm", id=NODE, before="idle", after="unusable", at=2_000.0),
    ]
    found = verdict(told(), happened=again)
    assert {(where, str(each)) for where, each in found.lost} == {
        ("slack", "node.unusable farm"),
        ("teams", "node.unusable farm"),
    }


def test_an_end_that_is_not_told_is_lost_though_its_failures_were() -> None:
    found = verdict(without("failing-1", at=420.0))
    assert [(where, each.kind) for where, each in found.lost] == [("teams", "job.failed")]


def test_fewer_failures_than_there_were_are_not_all_told() -> None:
    fewer = [
        msgspec.structs.replace(each, lines=tuple(line.replace("2 of 5", "1 of 5") for line in each.lines))
        if each.platform == "slack"
        else each
        for each in told()
    ]
    found = verdict(fewer)
    assert ("slack", "task.failed render-1 (2)") in [(where, str(each)) for where, each in found.lost]
    assert found.wrong


def test_what_is_told_late_is_late_and_red_beyond_its_bound() -> None:
    def by(late: float) -> Verdict:
        moved = [
            msgspec.structs.replace(each, at=each.at + late) if each.message == "ended-2" else each for each in told()
        ]
        return verdict(moved)

    assert not by(0.0).late
    assert by(TIMES.limit + BEYOND).too_late
    assert not by(TIMES.limit + BEYOND).sound
    assert [each.expected.kind for each in by(TIMES.limit).late] == ["job.completed"] * 2


def test_a_few_that_are_a_little_late_are_counted_and_not_red() -> None:
    many = [
        each
        for number in range(200)
        for each in (
            Change(thing="job", id=f"many-{number}", before="", after="active", at=1_000.0),
            Change(thing="job", id=f"many-{number}", before="active", after="completed", at=2_000.0, of=1),
        )
    ]
    words = {1_020.0: "started", 2_020.0: "completed: 1 task"}
    more = [
        Version(
            platform=platform, message=f"{at}-{number}", thread="", at=at + (30.0 if number == 7 else 0.0),
            lines=(f"job many-{number} has {words[at]}",),
        )
        for platform in ("slack", "teams") for number in range(200) for at in words
    ]  # fmt: skip
    found = verdict([*told(), *more], happened=[*HAPPENED, *many])
    assert len(found.late) == 4
    assert found.sound


def test_time_in_which_the_program_was_dead_or_the_chat_out_does_not_count() -> None:
    late = [msgspec.structs.replace(each, at=each.at + 400.0) if each.message == "ended-2" else each for each in told()]
    assert not verdict(late).sound
    dead = Times(poll=30.0, gather=2.0, lives=[(0.0, 510.0), (900.0, 10_000.0)])
    assert dead.own("slack", 500.0, 920.0) == 30.0
    assert not verdict(late, times=dead, happened=[each for each in HAPPENED if each.id == "render-2"]).late
    out = Times(poll=30.0, gather=2.0, lives=[(0.0, 10_000.0)], outages={"slack": [(500.0, 880.0)]})
    assert out.own("slack", 500.0, 920.0) == 10.0
    assert out.own("teams", 500.0, 920.0) == 420.0


def test_a_busy_machine_may_be_as_late_as_the_soak_itself_and_no_more() -> None:
    assert Times(poll=30.0, gather=2.0, lag=7.0).limit == TIMES.limit + 7.0
    assert Times(poll=30.0, gather=2.0, lag=500.0).limit == TIMES.limit + MOST_LAG


def test_what_is_over_before_a_look_must_see_it_is_not_asked_for() -> None:
    brief = [
        *HAPPENED,
        Change(thing="node", parent="other", id=NODE, before="idle", after="unusable", at=2_000.0),
        Change(thing="node", parent="other", id=NODE, before="unusable", after="idle", at=2_010.0),
    ]
    found = verdict(told(), happened=brief)
    assert found.brief == {"node.unusable": 1, "node.unusable over": 1}
    assert found.sound, "what was never said to be there need not be said to be over"
    said = [
        Version(platform="teams", message="brief", thread="", at=2_005.0, lines=("▲ pool other has 1 unusable node",))
    ]
    assert [str(each) for _, each in verdict([*told(), *said], happened=brief).lost] == ["node.unusable over other"] * 2


def test_what_is_over_while_a_platform_is_out_is_told_there_as_over() -> None:
    while_out = [
        *HAPPENED,
        Change(thing="node", parent="other", id=NODE, before="idle", after="unusable", at=2_000.0),
        Change(thing="node", parent="other", id=NODE, before="unusable", after="idle", at=2_200.0),
    ]
    trouble = "pool other has 1 unusable node"

    def version(platform: str, at: float, text: str) -> Version:
        return Version(platform=platform, message=f"o-{platform}", thread="", at=at, lines=(text, NODE))

    said = [
        *told(),
        version("teams", 2_010.0, f"▲ {trouble}"),
        version("teams", 2_210.0, f"✔ resolved {trouble}"),
        version("slack", 2_290.0, f"✔ resolved {trouble}"),
    ]
    out = Times(poll=30.0, gather=2.0, lives=[(0.0, 10_000.0)], outages={"slack": [(1_990.0, 2_250.0)]})
    found = verdict(said, times=out, happened=while_out)
    assert (found.lost, found.brief) == ([], {"node.unusable": 1})
    assert [str(each) for _, each in verdict(said, happened=while_out).lost] == ["node.unusable other"]
    hours = Times(poll=30.0, gather=2.0, lives=[(0.0, 10_000.0)], outages={"slack": [(1_990.0, 2_050.0)]})
    assert verdict(said, times=hours, happened=while_out).lost, "back long before it was over"


def test_what_flaps_and_is_over_may_be_told_once_it_stayed_so_and_not_while_a_platform_is_out() -> None:
    spells = [(2_000.0, 2_200.0), (2_400.0, 2_600.0), (2_800.0, 3_000.0), (3_700.0, 3_900.0)]
    flapping = [
        Change(thing="node", parent="other", id=NODE, before=before, after=after, at=at)
        for begun, over in spells
        for at, before, after in ((begun, "idle", "unusable"), (over, "unusable", "idle"))
    ]

    def version(at: float, sign: str) -> Version:
        lines = (f"{sign} pool other has 1 unusable node", NODE)
        return Version(platform="slack", message="other", thread="", at=at, lines=lines)

    def late(*outages: tuple[float, float]) -> list[float]:
        said = [
            version(at, sign) for begun, over in spells for at, sign in ((begun + 9, "▲"), (over + 9, "✔ resolved"))
        ]
        said = [each for each in said if each.at != 3_009.0]  # not said in the 700 s before it is there again
        times = Times(poll=30.0, gather=2.0, lives=[(0.0, 10_000.0)], outages={"slack": list(outages)})
        found = verdict([*told(), *said], times=times, happened=[*HAPPENED, *flapping])
        return [each.took for each in found.late if each.platform == "slack"]

    assert late() == [909.0], "from 600 s on, in which it stayed so, there were 100 s to tell it"
    assert late((3_610.0, 3_640.0)) == [], "30 of them are left after an outage"
    assert late((3_100.0, 3_150.0)) == [829.0], "the outage was over by then"


@pytest.mark.parametrize(
    ("message", "instead"),
    [
        ("ended-2", "✖ job render-2 has failed: 1 of 3 tasks failed"),
        ("ended-2", "job render-2 has ended in 6 min: 2 of 3 tasks succeeded so far"),
        ("failing-1", "job render-1 has completed: 5 tasks"),
        ("failing-1", "▲ job render-1 ended: 3 of 5 tasks failed · over, not mended"),
    ],
)
def test_an_end_in_wrong_words_is_wrong(message: str, instead: str) -> None:
    last = max(each.at for each in told() if each.message == message)
    altered = [
        msgspec.structs.replace(each, lines=(instead, *_MORE)) if (each.message, each.at) == (message, last) else each
        for each in told()
    ]
    assert verdict(altered).wrong
    assert not verdict(altered).sound


def test_an_end_is_told_before_its_last_counts_are_known() -> None:
    early = "job render-2 has ended in 6 min: 2 of 3 tasks succeeded so far"
    late = [
        each
        for known in told()
        for each in (
            [msgspec.structs.replace(known, lines=(early,)), msgspec.structs.replace(known, at=known.at + 900.0)]
            if known.message == "ended-2"
            else [known]
        )
    ]
    assert verdict(late).sound
    assert not verdict(late).late


@pytest.mark.parametrize("missing", _MORE)
def test_a_message_without_cause_or_node_is_wrong(missing: str) -> None:
    bare = [
        msgspec.structs.replace(each, lines=tuple(line for line in each.lines if line != missing)) for each in told()
    ]
    assert verdict(bare).wrong


def test_words_that_say_something_else_are_lost() -> None:
    altered = [
        msgspec.structs.replace(each, lines=("pool farm has 3 nodes after its resize", *_MORE))
        if each.message == "size"
        else each
        for each in told()
    ]
    assert [str(each) for _, each in verdict(altered).lost] == ["pool.resized farm"] * 2


def again(message: str, *, at: float, marked: bool = False, name: str = "more") -> Version:
    """A message of Teams once more."""
    of = next(each for each in told() if (each.platform, each.message) == ("teams", message))
    return msgspec.structs.replace(of, message=name, at=of.at + at, marked=marked)


def test_a_message_that_says_that_it_may_be_a_repeat_is_no_double() -> None:
    found = verdict([*told(), again("ended-2", at=5.0, marked=True), again("short", at=5.0, marked=True, name="other")])
    assert found.sound, found.doubles
    assert found.marked == 2


def test_a_repeat_that_said_so_when_it_came_is_none_after_an_edit_and_is_counted() -> None:
    found = verdict([*told(), again("short", at=5.0, marked=True), again("short", at=50.0)])
    assert found.sound, found.doubles
    assert (found.marked, found.unmarked) == (1, 1)


@pytest.mark.parametrize("message", ["ended-2", "short", "nodes", "history-1"])
def test_one_that_does_not_say_so_is_a_double_beside_any_that_do(message: str) -> None:
    marked = [again(each, at=5.0, marked=True, name=f"marked-{each}") for each in ("ended-2", "short", "size")]
    found = verdict([*told(), *marked, again(message, at=6.0)])
    assert found.doubles
    assert not found.sound


def test_two_messages_of_one_key_are_a_double_on_slack() -> None:
    keyed = [msgspec.structs.replace(each, key=each.message) for each in told() if each.platform == "slack"]
    rest = [each for each in told() if each.platform == "teams"]
    assert verdict([*keyed, *rest]).sound
    twice = msgspec.structs.replace(keyed[0], message="more", lines=("something else",))
    assert verdict([*keyed, *rest, twice]).doubles == ["slack: key started-1 × 2"]


def digest(rows: list[str], more: int, at: float, *, thread: str = "") -> list[Version]:
    """A digest on both platforms; or, in its ``thread``, a reply that names some of it."""
    counted = (f" | and {more} more, named in the replies | ", "gathered in one message, edited as it changes")
    lines = (
        f"{len(rows) + more} alerts: {len(rows) + more} × job.started",
        *(f"info | {row} | 12:00" for row in rows),
        *(() if thread else counted),
    )
    message = "named" if thread else "digest"
    return [
        Version(platform=platform, message=message, thread=thread, at=at, lines=lines)
        for platform in ("slack", "teams")
    ]


def test_what_a_digest_only_counts_is_lost_and_what_a_reply_names_is_told() -> None:
    made = [Change(thing="job", id=f"many-{number}", before="", after="active", at=100.0) for number in range(2)]
    counted = digest(["job many-0 has started"], 1, 125.0)
    found = verdict([*told(), *counted], happened=[*HAPPENED, *made])
    assert [str(each) for _, each in found.lost] == ["job.started many-1"] * 2
    rows = ["job many-0 has started", "job many-1 has started"]
    found = verdict([*told(), *counted, *digest(rows, 0, 127.0, thread="digest")], happened=[*HAPPENED, *made])
    assert found.sound, (found.lost, found.late, found.doubles)


def test_what_is_named_late_is_late_however_soon_it_was_counted() -> None:
    made = [Change(thing="job", id="many-0", before="", after="active", at=100.0)]
    counted, named = digest([], 13, 125.0), digest(["job many-0 has started"], 0, 2_000.0, thread="digest")
    assert verdict([*told(), *counted, *named], happened=[*HAPPENED, *made]).late


def test_an_end_that_a_digest_only_counts_is_lost() -> None:
    ended = verdict([*without("nodes", at=620.0), *digest(["job other-1 has started"], 9, 740.0)])
    assert [(where, str(each)) for where, each in ended.lost] == [("teams", "node.unusable over farm")]
    named = digest(["pool farm has 1 unusable node of 4 · resolved"], 0, 640.0, thread="digest")
    assert verdict([*without("nodes", at=620.0), *named]).sound


def test_a_reply_has_no_room_for_a_cause_and_the_message_has() -> None:
    reply = [
        Version(
            platform=platform, message="aloud", thread="digest", at=221.0,
            lines=("critical now: job render-1: 2 of 5 tasks failed",),
        )
        for platform in ("slack", "teams")
    ]  # fmt: skip
    assert verdict([*told(), *reply]).sound


def test_time_in_which_others_had_the_processor_does_not_count() -> None:
    busy = Times(poll=30.0, gather=2.0, lives=[(0.0, 10_000.0)], starved=[(501.0, 0.5), (510.0, 7.0), (600.0, 9.0)])
    assert busy.own("slack", 505.0, 525.0) == 13.0
    assert busy.own("slack", 505.0, 511.0) == 0.0
    assert not busy.seen(505.0, 505.0 + busy.limit + 6.0)
    assert busy.seen(505.0, 505.0 + busy.limit + 7.0)
    assert Waited().since(os.getpid(), 0, None) >= 0.0, "whoever is not there has not waited"


def test_a_kind_that_the_documents_do_not_promise_is_not_asked_for() -> None:
    assert {"job.started", "node.unusable", "schedule.disabled", "task.retrying"} <= kinds()
    made = [Change(thing="schedule", id="new", before="", after="active", at=100.0)]
    assert [each.kind for each in expected(made, ["schedule.created"])] == ["schedule.created"]
    assert not expected(made, ["schedule.disabled"])


def test_more_repeats_than_kills_and_lost_answers_allow_are_red() -> None:
    repeated = verdict([*told(), again("ended-2", at=5.0, marked=True)])
    enough, few = Outcome(kills=1, verdict=repeated), Outcome(kills=0, verdict=repeated)
    assert enough.sound
    assert shown(enough).endswith("green")
    assert not few.sound
    assert "more than can be" in shown(few)


def test_what_is_not_stored_or_not_delivered_is_red() -> None:
    assert not Outcome(verdict=verdict(told()), not_stored=["job.failed render-1"]).sound
    assert not Outcome(verdict=verdict(told()), undelivered=["digest-1 open 1/2"]).sound


def test_lines_are_what_people_see() -> None:
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "info"}, {"type": "raw_text", "text": "job a-1"}]]}
    menu = {"type": "static_select", "options": [{"text": {"type": "plain_text", "text": "job a-1 has started"}}]}
    message = {"text": "one\ntwo", "blocks": [table, {"type": "actions", "elements": [menu]}]}
    assert list(lines_of(message)) == ["one", "two", "info | job a-1"]


def test_a_run_that_was_kept_is_judged_and_shown_again(tmp_path: Path) -> None:
    versions = without("ended-2", "slack")
    keep(tmp_path, Seen(options="--seed 7", changes=HAPPENED, versions=versions, times=TIMES, until=9e3, end=1e4))
    whole = look(tmp_path)
    assert whole.startswith("again: python -m tests.soak --seed 7")
    assert "lost on slack: job.completed render-2" in whole
    of_one = look(tmp_path, "render-2")
    assert "happened  job active -> completed" in of_one
    assert "has completed: 3 tasks" in of_one
    assert "render-1" not in of_one
