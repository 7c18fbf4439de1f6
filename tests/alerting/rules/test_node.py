"""What is told of nodes."""

from __future__ import annotations

import pytest

from bot.domain.findings import Entity
from tests.alerting.rules.scenes import ago, found, node, only, pool, priced, turned, worth

KEY = "https://x.blob.core.windows.net/c?sv=1&sig=abcdefghijklmnopqrstuvwxyz0123456789"


def test_unusable_nodes_are_one_incident_of_their_pool() -> None:
    full = (("DiskFull", "There is not enough disk space"),)
    nodes = [node("tvm-1", since=ago(90)), node("tvm-2", since=ago(40), errors=full), node("tvm-3", errors=full)]
    told = only("node.unusable", pool("gpu-a", *nodes, unusable=3, running=17))
    assert told.headline == "pool gpu-a has 3 unusable nodes of 20"
    assert told.entity == Entity("pool", "gpu-a")
    assert told.figures[:3] == (
        ("tvm-1", "no error reported · 1 h"),
        ("tvm-3", "DiskFull · 1 h"),
        ("tvm-2", "DiskFull · 40 min"),
    )
    assert told.cause.startswith("DiskFull ×2 · no error reported ×1; most often the temporary disk is full")
    assert [(each.cause, each.count) for each in told.causes] == [("DiskFull", 2), ("no error reported", 1)]
    assert (told.count, told.since) == (3, ago(40))
    assert worth("node.unusable", told) == "warning"
    assert [each.command for each in told.actions[:2]] == ["pool replace-broken gpu-a", "node show gpu-a tvm-1"]


def test_a_pool_of_unusable_nodes_only_is_critical() -> None:
    told = only("node.unusable", pool("gpu-a", node(), unusable=1))
    assert told.headline == "pool gpu-a has 1 unusable node, all it has"
    assert worth("node.unusable", told) == "critical"
    assert found("node.unusable", pool(running=4)) == []


def test_ten_nodes_are_named_and_the_rest_is_counted() -> None:
    told = only("node.unusable", pool("big", *(node(f"tvm-{n:02}") for n in range(14)), unusable=14, idle=6))
    assert [label for label, _ in told.figures[9:11]] == ["tvm-09", "And"]
    assert ("And", "4 more nodes") in told.figures
    # Counted, but not read yet.
    told = only("node.unusable", pool("big", unusable=14, idle=6))
    assert (told.headline, told.count) == ("pool big has 14 unusable nodes of 20", 14)


def test_what_a_node_says_is_told_without_secrets_and_cut() -> None:
    bad = node(errors=(("BlobAccessDenied", f"GET {KEY} " + "x" * 900),))
    told = only("node.unusable", pool("gpu-a", bad, unusable=1))
    assert "abcdefghij" not in told.evidence
    assert len(told.evidence) <= 300


def test_what_nodes_in_trouble_cost() -> None:
    told = only("node.unusable", pool(unusable=2, idle=2), prices=priced(1.0))
    assert told.figures[0] == ("Billed", "$2.00/h")


def test_nodes_whose_start_task_failed() -> None:
    one = node("tvm-1", "starttaskfailed", start_exit=1, start_task=("FailureExitCode", "exited"))
    told = only("node.start_task_failed", pool("gpu-a", one, start_task_failed=1, running=9))
    assert told.headline == "pool gpu-a: the start task failed on 1 node of 10"
    assert told.cause == "the program reported an error; its stderr says which"
    assert told.actions[0].command == "nodelog gpu-a tvm-1"
    assert found("node.start_task_failed", pool(unusable=1)) == []


@pytest.mark.parametrize(("minutes", "told"), [(4, False), (5, True), (50, True)])
def test_lost_contact_is_told_when_it_stays_lost(minutes: float, told: bool) -> None:
    view = pool("gpu-a", node("tvm-1", "unknown", ago(minutes)), unknown=1, running=3)
    headlines = [each.headline for each in found("node.unknown", view)]
    assert headlines == (["pool gpu-a has lost contact with 1 node of 4"] if told else [])


def test_offline_nodes_are_information() -> None:
    told = only("node.offline", pool("gpu-a", node("tvm-1", "Offline"), offline=1, running=3))
    assert told.headline == "pool gpu-a has 1 offline node of 4"
    assert told.cause.startswith("somebody has disabled scheduling on it")
    assert worth("node.offline", told) == "info"
    assert told.actions[0].command == "node enable-scheduling gpu-a state:offline"


@pytest.mark.parametrize(
    ("taken", "left", "severity"),
    [
        ([11, 30], 14, None),
        ([9], 13, "info"),
        ([9], 1, "info"),
        ([9, 2], 9, "info"),
        ([9, 2], 8, "warning"),
        ([1, 1, 1, 1, 1], 95, "warning"),
        ([50, 40, 30, 20, 9], 95, "info"),
    ],
)
def test_nodes_that_azure_took_back(taken: list[float], left: int, severity: str | None) -> None:
    view = pool(spot_running=left, spot_preempted=2, preempted_at=[ago(minutes) for minutes in taken])
    told = found("node.preempted", view)
    assert [worth("node.preempted", each) for each in told] == ([severity] if severity else [])


def test_the_words_of_a_preemption() -> None:
    view = pool("encode-spot", spot_running=11, spot_preempted=3, preempted_at=[ago(8), ago(6), ago(6)])
    told = only("node.preempted", view)
    assert told.headline == "pool encode-spot lost 3 spot nodes in 10 min, 11 left"
    assert told.figures == (("Spot nodes left", "11 of 14"),)
    assert (told.since, told.count) == (ago(8), 3)
    uncounted = pool("e", node("t", "preempted"), spot=4, target_spot=4, preempted_at=[ago(1)])
    assert only("node.preempted", uncounted).headline == "pool e lost 1 spot node in 10 min, 3 left"


def test_a_single_node_is_news_on_request() -> None:
    news = [turned("node", "tvm-1", "unusable", "idle", "gpu-a"), turned("node", "tvm-2", "gone", "", "gpu-a")]
    first, second = found("node.changed", pool(idle=4), news=news)
    assert first.headline == "node tvm-1 of pool gpu-a is unusable, it was idle"
    assert (first.entity, first.related) == (Entity("node", "tvm-1", "gpu-a"), (Entity("pool", "gpu-a"),))
    assert first.actions[0].command == "node show gpu-a tvm-1"
    assert second.headline == "node tvm-2 of pool gpu-a is gone"
    assert found("node.changed", pool(idle=4), news=[turned("pool", "gpu-a", "active")]) == []
