"""What people type, what is understood, what the service is asked, and what mistakes are answered with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.azure.models import Counts, Job, Node, Task
from bot.azure.models.job import JobExecution
from bot.azure.models.task import Execution
from bot.domain.states import NODES
from bot.filter import ENTITIES, JOB, LONGEST, NODE, POOL, SCHEDULE, SCHEDULE_JOB, SHORT, TASK, Entity, parse
from bot.requests.command import CommandError
from cards.card import plain

AT = datetime(2026, 11, 23, 13, 37, 42, tzinfo=UTC)  # 07:37 in Chicago
CHICAGO = "America/Chicago"
FAILED = "(state eq 'completed' and executionInfo/result eq 'failure')"
NOT_FAILED = "(state ne 'completed' or executionInfo/result ne 'failure')"


@pytest.mark.parametrize(
    ("entity", "typed", "canonical", "odata"),
    [
        (TASK, "failed>0", "failed:yes", FAILED),
        (TASK, "failed", "state:failed", FAILED),
        (TASK, "state:failed", "state:failed", FAILED),
        (TASK, "--state failed", "state:failed", FAILED),
        (TASK, "state=Failed,running", "state:failed,running", f"({FAILED} or state eq 'running')"),
        (TASK, "failed>=1", "failed:yes", FAILED),
        (TASK, "failed!=0", "failed:yes", FAILED),
        (TASK, "failed=1", "failed:yes", FAILED),
        (TASK, "failed<1", "failed:no", NOT_FAILED),
        (TASK, "failed<=0", "failed:no", NOT_FAILED),
        (TASK, "failed!=1", "failed:no", NOT_FAILED),
        (TASK, "failed:0", "failed:no", NOT_FAILED),
        (TASK, "exit:137", "exit:137", "executionInfo/exitCode eq 137"),
        (TASK, "exit:0xC0000005", "exit:-1073741819", "executionInfo/exitCode eq -1073741819"),
        (TASK, "exit != 0", "'exit!=0'", "(executionInfo/exitCode lt 0 or executionInfo/exitCode gt 0)"),
        (TASK, "-exit:137", "-exit:137", ""),
        (TASK, "id:frame-00*", "id:'frame-00*'", "startswith(id,'frame-00')"),
        (TASK, "id:*-00*", "id:'*-00*'", ""),
        (TASK, "id:f*1,x", "id:'f*1,x'", "(startswith(id,'f') or id eq 'x')"),
        (TASK, "not id:x", "-id:x", "id ne 'x'"),
        (TASK, "'id< >a'", "'id< >a'", "id lt '>a'"),
        (TASK, "error:DiskFull", "error:DiskFull", "executionInfo/result eq 'failure'"),
        (TASK, "-error:DiskFull", "-error:DiskFull", ""),
        (TASK, "ran>90m", "'ran>1h30m'", "executionInfo/startTime lt DateTime'2026-11-23T12:12:00Z'"),
        (TASK, "ended<14:00", "'ended<14:00'", "executionInfo/endTime lt DateTime'2026-11-22T20:00:00Z'"),
        (TASK, "ended<07:00", "'ended<07:00'", "executionInfo/endTime lt DateTime'2026-11-23T13:00:00Z'"),
        (TASK, "ended:2h", "ended:2h", "executionInfo/endTime ge DateTime'2026-11-23T11:37:00Z'"),
        (TASK, "created>2026-11-01", "'created>2026-11-01'", "creationTime ge DateTime'2026-11-02T06:00:00Z'"),
        (TASK, "created<=2026-11-01", "'created<=2026-11-01'", "creationTime lt DateTime'2026-11-02T06:00:00Z'"),
        (JOB, "since:2026-11-20", "since:2026-11-20", "stateTransitionTime ge DateTime'2026-11-20T06:00:00Z'"),
        (JOB, "age > 2h", "'age>2h'", "stateTransitionTime lt DateTime'2026-11-23T11:37:00Z'"),
        (JOB, "age<30s", "'age<30s'", "stateTransitionTime gt DateTime'2026-11-23T13:37:12Z'"),
        (JOB, "age>=2h", "'age>=2h'", "stateTransitionTime le DateTime'2026-11-23T11:37:00Z'"),
        (JOB, "-age>1w", "'-age>1w'", "stateTransitionTime ge DateTime'2026-11-16T13:37:00Z'"),
        (JOB, "pool:render*", "pool:'render*'", "startswith(executionInfo/poolId,'render')"),
        (JOB, "-pool:x", "-pool:x", ""),
        (JOB, "pool!=x", "'pool!=x'", ""),
        (JOB, "failed>0", "'failed>0'", ""),
        (JOB, "night", "'name~night'", ""),
        (JOB, "id:nightly:job-12", "id:nightly:job-12", "id eq 'nightly:job-12'"),
        (SCHEDULE_JOB, "id:nightly:job-12 active", "id:nightly:job-12 state:active", "state eq 'active'"),
        (JOB, '"id:it\'s"', "id:'it'\"'\"'s'", "id eq 'it''s'"),
        (POOL, "state:active,steady", "state:active,steady", "(state eq 'active' or allocationState eq 'steady')"),
        (POOL, "-state:steady", "-state:steady", ""),
        (POOL, "size:Standard_D4s_v3", "size:Standard_D4s_v3", "vmSize eq 'Standard_D4s_v3'"),
        (POOL, "size:standard_d*", "size:'standard_d*'", ""),
        (NODE, "start_task_failed", "state:starttaskfailed", "state eq 'starttaskfailed'"),
        (NODE, "dedicated", "dedicated:yes", ""),
        (NODE, "exit>0", "'exit>0'", "startTaskInfo/exitCode gt 0"),
        (SCHEDULE, "until<2027-01-01 next:today", "'until<2027-01-01' next:today",
         "schedule/doNotRunAfter lt DateTime'2027-01-01T06:00:00Z'"),
    ],
)  # fmt: skip
def test_what_is_typed_is_understood(entity: Entity, typed: str, canonical: str, odata: str) -> None:
    found = parse(typed, entity, zone=CHICAGO)
    assert str(found) == canonical
    assert found.odata(AT) == odata


@pytest.mark.parametrize(
    ("entity", "typed", "told"),
    [
        (JOB, "state:active pool:render* age>2h", "active · pool render* · older than 2 h"),
        (
            JOB,
            "state:active,disabled failed>0 -name~test",
            "active or disabled · failed tasks > 0 · not name contains test",
        ),
        (
            TASK,
            "failed>0 exit:137 ended:2h ran>10m",
            "failed · exit code 137 · ended in the last 2 h · ran longer than 10 min",
        ),
        (TASK, "ended<14:00 since:2h", "ended before 20:00 UTC · changed in the last 2 h"),
        (NODE, "waitingforstarttask spot", "waiting for start task · spot"),
        (POOL, "id:a,b,c,d,e,f", "id a, b, c, d or one of 2 more"),
    ],
)
def test_a_filter_is_told_in_words(entity: Entity, typed: str, told: str) -> None:
    assert plain(parse(typed, entity, zone=CHICAGO).words(AT)) == told


@pytest.mark.parametrize(
    ("entity", "typed", "message", "nearest"),
    [
        (JOB, "stat:active", "no field “stat” to filter jobs by. There are: state, id,", "job list state:active"),
        (JOB, "state:actve", "There are: active, disabling,", "job list state:active"),
        (JOB, "pool:x -state:actve,disabled", "“actve” is no state", "job list pool:x -state:active,disabled"),
        (JOB, "nightly:job-12", "no field “nightly”", "job list name:nightly:job-12"),
        (JOB, "age:2h", "does not take “:”", "job list 'age>2h'"),
        (JOB, "age>2x", "a span of time such as 30s, 5m", "job list 'age>2h'"),
        (JOB, "failed>many", "a whole number", "job list 'failed>0'"),
        (JOB, "ended>2h", "two ways", "job list ended:2h"),
        (JOB, "created:tomorow", "a moment such as", "job list created:today"),
        (JOB, "pool:", "says no value", ""),
        (JOB, "age", "is a field and needs a value", "job list 'age>2h'"),
        (JOB, "active or disabled", "give alternatives by comma", ""),
        (JOB, ">5", "lacks a field", ""),
        (JOB, "failed>1,2", "takes one value", ""),
        (JOB, "id>a*", "plain text", ""),
        (TASK, "failed>3", "yes or no", "task list failed:yes"),
        (TASK, " ".join(f"id:{n}" for n in range(21)), "21 conditions", ""),
        (TASK, "id:" + ",".join(str(n) for n in range(99)), "50 values", ""),
        (TASK, "x" * (LONGEST + 1), "1,000 are the most", "task list"),
    ],
)
def test_mistakes_are_answered_with_what_there_is(entity: Entity, typed: str, message: str, nearest: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(typed, entity, before=(entity.name, "list"))
    assert message in caught.value.message
    assert not nearest or nearest in caught.value.nearest
    assert len(caught.value.message) < 600


def test_ten_thousand_letters_are_refused_in_a_sentence() -> None:
    for typed in ("x" * 10_000, ["state:active"] * 1000, ["id~" + "a,*" * 3000]):
        with pytest.raises(CommandError, match=r"3,000 at most|1,000 are the most"):
            parse(typed, TASK)


def test_what_nobody_sees_is_taken_out() -> None:
    assert parse(["id:\u202ea\u2066b\x00\x07c\ud800"], TASK) == parse("id:abc", TASK)


def test_nothing_gets_out_of_a_literal() -> None:
    found = parse(["id:x' or id ne 'y", "id:'''*"], TASK)
    assert found.odata(AT) == "id eq 'x'' or id ne ''y' and startswith(id,'''''''')"


def test_rows_are_told_apart() -> None:
    long_ago, lately = AT - timedelta(days=1), AT - timedelta(minutes=1)
    job = Job(
        id="Nightly:job-1", state="Active", state_transition_time=long_ago, execution_info=JobExecution(pool_id="P")
    )
    assert parse("active pool:p age>2h schedule:nightly", JOB).matches(job, AT)
    assert not parse("age<2h", JOB).matches(job, AT)
    assert parse("failed>1", JOB).matches(job, AT, Counts(failed=2))
    assert not parse("failed>1", JOB).matches(job, AT, Counts(failed=1))
    assert not parse("failed>=0", JOB).matches(job, AT, None)  # it has gone meanwhile
    task = Task(id="t", state="running", state_transition_time=lately, execution_info=Execution(start_time=long_ago))
    assert parse("ran>23h -exit:1", TASK).matches(task, AT)
    assert not parse("exit!=1", TASK).matches(task, AT)
    assert not parse("failed", TASK).matches(task, AT)
    node = Node(id="n", state="Unusable", is_dedicated=False, state_transition_time=lately)
    assert parse("bad spot", NODE).matches(node, AT)


def test_turning_a_page_asks_the_same_question_for_a_while() -> None:
    found = parse("age>2h state:active", TASK)
    assert found.odata(AT) == found.odata(AT + timedelta(seconds=17))
    assert found.odata(AT) != found.odata(AT + timedelta(minutes=1))


@pytest.mark.parametrize("zone", ["UTC", CHICAGO, "Nowhere/Land"])
def test_days_are_those_of_the_asker_also_where_clocks_are_turned(zone: str) -> None:
    day = parse("created:2026-11-01", TASK, zone=zone).odata(AT)  # 25 hours long in Chicago
    hours = {CHICAGO: ("T05:00:00Z", "2026-11-02T06:00:00Z")}.get(zone, ("T00:00:00Z", "2026-11-02T00:00:00Z"))
    assert f"ge DateTime'2026-11-01{hours[0]}'" in day
    assert f"lt DateTime'{hours[1]}'" in day


def test_the_words_for_states_are_those_of_the_cards() -> None:
    states = NODE.find("state")
    assert states and set(states.words) == {*NODES, "bad"}


@pytest.mark.parametrize("entity", [*ENTITIES.values(), *SHORT], ids=lambda entity: entity.name)
def test_every_field_is_found_by_its_names_and_every_example_in_a_mistake_works(entity: Entity) -> None:
    for field in entity.fields:
        for name in (field.name, *field.aliases, field.name.upper()):
            assert entity.find(name) is field
        with pytest.raises(CommandError) as caught:
            parse([f"{field.name}:"], entity)
        for offered in caught.value.nearest:
            assert parse(offered, entity).conditions[0].field is field
