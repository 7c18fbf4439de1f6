"""The table of causes: what it finds, what it does not, and that all it offers can be done."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot.domain import knowledge
from bot.domain.knowledge import find, row, rows
from bot.domain.knowledge.shapes import SHORT
from bot.domain.knowledge.table import PLACEHOLDERS, UNKNOWN_KINDS, Asked, Table, built_in, read
from bot.requests.grammar import words
from bot.tools.causes_page import markdown
from tests.commands import every_command

ROOT = Path(__file__).resolve().parents[2]
NAMES = dict.fromkeys(PLACEHOLDERS, "name-1") | {"nodes": "6", "dedicated": "4", "spot": "2"}


def test_what_a_list_shows_is_short_and_in_words() -> None:
    for each in rows():
        if each.where in ("line", "unknown"):
            assert each.short == "", each.id
            continue
        assert 0 < len(each.short) <= SHORT, each.id
        assert not re.search(r"[a-z][A-Z]|[.:;]$|\n", each.short.replace("IPs", "")), f"{each.id} is a code"


@pytest.mark.parametrize(
    ("where", "shown", "id_"),
    [
        # One code, several causes.
        ("task", {"code": "TaskEnded", "category": "UserError"}, "task.ended_by_person"),
        ("task", {"code": "TaskEnded", "message": "Task Was Ended by User Request"}, "task.ended_by_person"),
        ("task", {"code": "taskended", "category": "servererror"}, "task.ran_too_long"),
        ("task", {"code": "TaskEnded", "exit_code": 0xC000013A}, "task.ran_too_long"),
        ("task", {"code": "TaskEnded"}, "task.ended"),
        ("task", {"code": "TaskEnded", "exit_code": 137}, "task.ended"),
        ("task", {"code": "DiskFull"}, "task.disk_full"),
        ("node", {"code": "DISKFULL"}, "node.disk_full"),
        ("start_task", {"code": "DiskFull"}, "start_task.disk_full"),
        ("node", {"code": "unusable"}, "node.unusable_silent"),
        ("node", {"code": "Strange", "message": "There is no space left on the device"}, "node.disk_full"),
        ("node", {"message": "An error was encountered while configuring specified mount(s)"}, "node.mount_failed"),
        # What lies at the bottom of a resize's error.
        ("resize", {"code": "AllocationFailed"}, "pool.allocation.failed"),
        ("resize", {"code": "AllocationFailed", "message": "no sufficient capacity"}, "provider.no_capacity"),
        ("resize", {"code": "allocationtimedout"}, "pool.allocation.timed_out"),
        (
            "resize",
            {"code": "BadRequest", "message": "x cannot boot Hypervisor Generation '2'"},
            "provider.image_generation",
        ),
        ("resize", {"code": "BadRequest", "message": "x"}, "provider.bad_request"),
        ("resize", {"code": "OperationNotAllowed", "message": "Total Regional Cores quota"}, "provider.quota"),
        ("resize", {"code": "SomeNewQuotaReached"}, "pool.quota.other"),
        ("resize", {"code": "QuotaExceeded"}, "provider.quota"),
        # Programs: the line, then the exit code, then that it failed.
        ("task", {"code": "FailureExitCode", "exit_code": 42}, "task.exit_code"),
        ("task", {"code": "FailureExitCode", "exit_code": 137}, "exit.killed"),
        ("task", {"exit_code": 1, "line": "RuntimeError: CUDA out of memory."}, "line.gpu_memory"),
        ("task", {"exit_code": 1, "line": "something else"}, "exit.general"),
        ("start_task", {"exit_code": 127}, "exit.not_found"),
        ("exit", {"exit_code": -1073741510}, "exit.windows.interrupted"),
        ("exit", {"exit_code": 3221225786}, "exit.windows.interrupted"),
        ("exit", {"exit_code": 255}, "exit.wrapper"),
        ("line", {"line": "bash: ffmpeg: command not found"}, "line.command_not_found"),
        (
            "autoscale",
            {"code": "X", "message": "Insufficient data from data set: $X"},
            "autoscale.no_samples",
        ),
        ("job", {"code": "InvalidCertificatesInAutoPool"}, "job.auto_pool.certificate"),
        ("schedule", {"code": "completed"}, "schedule.over"),
    ],
)
def test_what_is_found(where: str, shown: dict[str, object], id_: str) -> None:
    found = find(where, **shown)  # type: ignore[arg-type]
    assert found is not None
    assert found.id == id_


def test_what_no_row_knows_is_none_and_counted() -> None:
    table = Table(rows())
    for asked in (Asked(code="sunspots"), Asked(code="sunspots"), Asked(message="odd"), Asked(exit_code=42)):
        assert table.find("node", asked) is None
    assert table.unknown == {("node", "sunspots"): 2, ("node", ""): 1, ("node", "exit code 42"): 1}
    assert table.find("node", Asked()) is None
    assert sum(table.unknown.values()) == 4, "nothing was asked"
    for number in range(3 * UNKNOWN_KINDS):
        table.find("node", Asked(code=f"odd{number}"))
    assert len(table.unknown) <= UNKNOWN_KINDS + 1
    assert table.unknown["node", "other"] > UNKNOWN_KINDS
    assert find("nowhere", code="DiskFull") is None
    with pytest.raises(KeyError):
        row("node.sunspots")


def test_a_start_task_gets_its_own_buttons() -> None:
    by_code = find("start_task", exit_code=137)
    of_task = find("task", exit_code=137)
    assert by_code is not None and of_task is not None
    assert by_code.cause == of_task.cause
    assert (by_code.do, by_code.steps) == (row("start_task.exit_code").do, row("start_task.exit_code").steps)
    assert of_task.steps == row("task.exit_code").steps


def test_every_step_is_a_command_that_is_there_and_says_whether_it_changes() -> None:
    registry = every_command()
    for each in rows():
        for step in each.steps:
            typed = words(step.command.format(**NAMES))
            # what a change lacks is asked for in its form
            assert registry.fit(typed) in (("whole", "lacking") if step.changes else ("whole",)), (
                f"{each.id}: {step.command}"
            )
            assert (registry.command(typed).effect != "read") == step.changes, f"{each.id}: {step.command}"


def test_steps_name_only_what_is_known_where_the_cause_shows() -> None:
    known = {
        "resize": {"pool", "nodes", "dedicated", "spot"},
        "provider": {"pool", "nodes", "dedicated", "spot"},
        "autoscale": {"pool"},
        "node": {"pool", "node"},
        "start_task": {"pool", "node"},
        "job": {"job"},
        "schedule": {"schedule", "job"},
        "task": {"job", "task"},
        "exit": set(),
        "line": set(),
    }
    for each in rows():
        if each.where in known:
            named = set(re.findall(r"{(\w+)}", " ".join(step.command for step in each.steps)))
            assert named <= known[each.where], each.id


def test_every_id_that_code_asks_for_is_there() -> None:
    asked: dict[str, str] = {}
    for path in (*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py")):
        source = path.read_text(encoding="utf-8")
        if "knowledge import" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "row":
                for literal in ast.walk(node):
                    if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                        asked[literal.value] = str(path)
    assert len(asked) > 5
    assert {id_: path for id_, path in asked.items() if id_ not in {each.id for each in rows()}} == {}


def test_every_row_says_what_to_do_and_where_it_is_written() -> None:
    for each in rows():
        assert each.do, each.id
        assert each.source or each.where == "unknown", each.id
        assert each.cause[0].islower() or each.cause.startswith(("Azure", "Batch", "a ")), each.id
        if each.where not in ("exit", "line"):
            assert each.steps or each.id in ("provider.public_ips", "pool.subnet", "pool.network"), each.id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[cause]]\nid = "a.b"\nwhere = "moon"\ncause = "x"\ndo = ""', "Invalid enum value 'moon'"),
        ('[[cause]]\nid = "a.b"\nwhere = "node"\ncause = "x"\ndo = ""\ncuase = ""', "unknown field `cuase`"),
        ('[[cause]]\nid = "a.b"\nwhere = "node"\ncause = "x."\ndo = ""', "without a full stop"),
        ('[[cause]]\nid = "ab"\nwhere = "node"\ncause = "x"\ndo = ""', "not a dotted id"),
        ('[[cause]]\nid = "a.b"\nwhere = "node"\ncause = "x"\ndo = ""\nsource = "q"', "q is no source"),
        ('[[cause]]\nid = "a.b"\nwhere = "node"\ncause = "x"\ndo = ""\nmatch = [{}]', "matches everything"),
        (2 * '[[cause]]\nid = "a.b"\nwhere = "node"\ncause = "x"\ndo = ""\n', "is there 2 times"),
        (
            '[[cause]]\nid = "a.b"\nwhere = "node"\ncause = "x"\ndo = ""\n'
            'steps = [{ text = "Go", command = "node show {poool}" }]',
            "nothing fills in poool",
        ),
    ],
)
def test_a_table_that_is_not_as_it_should_be(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        read(text.encode())


def test_the_page_of_causes_is_true() -> None:
    assert (ROOT / "docs/causes.md").read_text(encoding="utf-8") == markdown(), "run `make docs`"


def test_unknown_trouble_is_counted_for_the_metrics() -> None:
    before = knowledge.unknown().get(("node", "moonshine"), 0)
    assert find("node", code="Moonshine") is None
    assert knowledge.unknown()["node", "moonshine"] == before + 1


def test_long_messages_are_found_and_not_kept() -> None:
    table = Table(built_in())
    long = "x" * 100_000
    for each in range(3):
        asked = Asked(message=f"{long} {each} cannot boot hypervisor generation '2'", code="badrequest")
        assert table.find("resize", asked) == table.find(
            "resize", Asked(message=asked.message[-50:], code="badrequest")
        )
    assert table._looked_up.cache_info().currsize == 3, "the short ones"


def test_what_a_program_says_of_its_arguments_is_certain() -> None:
    said = "render.py: error: the following arguments are required: --scene"
    found = find("task", exit_code=2, line=said)
    assert found is not None
    assert (found.id, found.sure) == ("line.usage", "certain")
    alone = find("task", exit_code=2)
    assert alone is not None
    assert alone.sure == "guess"
