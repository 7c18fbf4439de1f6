"""Why one node does no work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.azure.models import FailureInfo, NameValue, Node, NodeError, Pool
from bot.azure.models.node import StartTaskInfo
from bot.domain.diagnosis.model import Evidence
from bot.domain.diagnosis.nodes import NodeCase, may_have_printed, of_node, of_nodes
from tests.domain.diagnosis.jobs import HOUR, MINUTE, NOW, SINCE, said

PRINTED = Evidence("Error: no licence", SINCE, printed=True)
US = Evidence("node offline cpu tvm-1, asked of me by", SINCE, person="slack:U1")
FULL = NodeError(code="DiskFull", message="in words", error_details=(NameValue(name="Disk", value="/mnt"),))


def node(state: str = "idle", since: timedelta = 3 * HOUR, **more: Any) -> Node:
    """A node that has been in its state for so long."""
    return Node(id="tvm-1", state=state, state_transition_time=NOW - since, **more)


def start(exit_code: int | None = None, code: str = "", retries: int = 0) -> StartTaskInfo:
    """A start task that failed three hours ago."""
    info = FailureInfo(category="UserError", code=code, message="in words") if code else None
    return StartTaskInfo(
        state="completed", result="Failure", exit_code=exit_code, failure_info=info, retry_count=retries, end_time=SINCE
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (node(), []),
        (node("running"), []),
        (node("unusable", 45 * MINUTE), [
            "node.unusable_silent likely | state unusable | node offline cpu tvm-1, asked of me by"
        ]),
        (node("unusable"), [
            "node.unusable_silent likely | state unusable | for 3 h: what recovers by itself does so within 45 minutes "
            "| node offline cpu tvm-1, asked of me by"
        ]),
        (node("unusable", errors=(FULL,)), [
            "node.disk_full certain | DiskFull: in words (Disk: /mnt) | state unusable"
        ]),
        (node("idle", errors=(NodeError(code="NeverHeardOf", message="in words"),)), [
            "unknown.node guess | NeverHeardOf, which the bot does not know | NeverHeardOf: in words"
        ]),
        (node("unknown"), ["node.lost_contact likely | state unknown | node offline cpu tvm-1, asked of me by"]),
        (node("offline"), ["node.offline certain | state offline | node offline cpu tvm-1, asked of me by"]),
        (node("idle", scheduling_state="Disabled"), [
            "node.offline certain | state idle | node offline cpu tvm-1, asked of me by"
        ]),
        # its start task failed, and it is waited for or not
        (node("starttaskfailed", start_task_info=start(3, "FailureExitCode", 2)), [
            "start_task.exit_code certain | the start task failed: the command ended with an error of its own "
            "| state start task failed | start task: exit code 3, FailureExitCode: in words, 2 retries "
            "| Error: no licence"
        ]),
        (node("starttaskfailed", start_task_info=start(None, "NeverHeardOf")), [
            "unknown.node guess | NeverHeardOf, which the bot does not know | NeverHeardOf: in words"
        ]),
        (node("starttaskfailed"), ["node.start_task_failed certain | state start task failed | Error: no licence"]),
        (node("running", start_task_info=start(3)), [
            "node.start_task_failed certain | start task: exit code 3 "
            "| the node takes tasks: the start task's success is not waited for | Error: no licence"
        ]),
        # on its way: in time, and for too long
        (node("starting", 15 * MINUTE), [
            "node.starting certain, no harm | the node is starting, as nodes are for a while "
            "| state starting for 15 min"
        ]),
        (node("starting", 16 * MINUTE), ["node.starting_long guess | 1 node starting, the longest for 16 min"]),
        (node("leavingpool", 30 * MINUTE), [
            "node.leavingpool certain, no harm | the node is leaving pool, as nodes are for a while "
            "| state leaving pool for 30 min"
        ]),
        (node("leavingpool", 31 * MINUTE), ["node.leaving_long likely | 1 node leaving pool, the longest for 31 min"]),
        (node("waitingforstarttask", 16 * MINUTE), [
            "node.start_task_long likely | 1 node waiting for start task, the longest for 16 min"
        ]),
        (node("preempted"), ["node.preempted certain | state preempted for 3 h"]),
        (node("upgradingos"), ["node.rebooted_unasked guess, no harm | state upgrading OS for 3 h"]),
        (node("rebooting", MINUTE), [
            "node.rebooting certain, no harm | the node is rebooting, as nodes are for a while "
            "| state rebooting for 1 min"
        ]),
    ],
)  # fmt: skip
def test_why_a_node_does_no_work(found: Node, told: list[str]) -> None:
    case = NodeCase(node=found, pool=Pool(id="cpu"), at=NOW, printed=PRINTED, disabled=US)
    clues = of_node(case)
    assert [said(each) for each in clues] == told
    assert all(dict(each.names) == {"pool": "cpu", "node": "tvm-1"} for each in clues)


def test_alike_nodes_of_a_pool_are_named_together() -> None:
    """Of one error, of one exit code of the start task, of one state: how many of how many, and three of them."""
    nodes = [
        *(
            Node(id=f"full-{n}", state="unusable", state_transition_time=NOW - n * HOUR, errors=(FULL,))
            for n in range(1, 5)
        ),
        *(
            Node(id=f"start-{n}", state="starttaskfailed", start_task_info=start(3, "FailureExitCode"))
            for n in range(3)
        ),
        Node(id="other", state="starttaskfailed", start_task_info=start(4, "FailureExitCode")),
        *(Node(id=f"gone-{n}", state="unusable") for n in range(2)),
    ]
    clues = of_nodes("cpu", nodes, 12, NOW, {"start-0": PRINTED})
    assert [said(each) for each in clues] == [
        "node.disk_full certain | DiskFull: in words (Disk: /mnt) "
        "| 4 of 12 nodes, unusable: full-1, full-2, full-3 and 1 more",
        "start_task.exit_code certain | the start task failed: the command ended with an error of its own "
        "| 3 of 12 nodes, start task failed: start-0, start-1, start-2 "
        "| start task: exit code 3, FailureExitCode: in words | Error: no licence",
        "node.unusable_silent likely | 2 of 12 nodes, unusable: gone-0, gone-1",
        "start_task.exit_code certain | the start task failed: the command ended with an error of its own "
        "| 1 of 12 nodes, start task failed: other | start task: exit code 4, FailureExitCode: in words",
    ]
    assert clues[0].since == NOW - 4 * HOUR
    assert [each.nodes for each in clues] == [4, 3, 2, 1]
    [whole] = of_nodes("cpu", nodes[-2:], 2, NOW)
    assert said(whole) == "node.all_unusable likely | 2 of 2 nodes, unusable: gone-0, gone-1"
    assert of_nodes("cpu", nodes[-1:], 1, NOW)[0].id == "node.unusable_silent", "one alone is not all of a pool"
    [more] = of_nodes("cpu", nodes[-2:], 1, NOW)
    assert "2 of 2 nodes" in said(more), "there may be more by now than were counted"


def test_which_file_a_start_task_lacks_is_told_and_older_output_is_not_taken_for_its_own() -> None:
    path = NameValue(name="FilePath", value="https://store/inputs/scene.zip")
    info = FailureInfo(category="UserError", code="BlobNotFound", message="not found", details=(path,))
    run = StartTaskInfo(state="completed", result="Failure", failure_info=info, end_time=SINCE)
    told = of_node(NodeCase(node=node("starttaskfailed", start_task_info=run), at=NOW))[0]
    assert "start task: BlobNotFound: not found (FilePath: https://store/inputs/scene.zip)" in said(told)
    assert not may_have_printed(run)
    assert not may_have_printed(None)
    assert may_have_printed(start(3, "FailureExitCode"))
    assert may_have_printed(start(None, "CommandProgramNotFound", retries=1)), "a run before may have"
