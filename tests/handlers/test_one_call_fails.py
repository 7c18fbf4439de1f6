"""One call of those that an answer is made of fails: the card comes with what is known, and names what is not."""

from __future__ import annotations

import re
from copy import copy
from itertools import cycle
from typing import Any

import pytest

from bot.azure import pipeline
from bot.azure.plane import Plane
from cards.card import Card
from cards.text import render
from tests.commands import every_command
from tests.handlers.conftest import Scene
from tests.handlers.reads import ACCOUNT, NOT_OF_AZURE, calls_of, typed
from tests.thorough import few

READS = sorted(
    path for path, known in every_command().commands.items() if known.mark.effect == "read" and path not in NOT_OF_AZURE
)
ESSENTIAL = {
    "account quotas": "/batchAccounts/ACCOUNT|/pools",
    "account show": "/pools",
    "application list": "/applications",
    "application show": "",
    "certificate list": "/certificates",
    "ask": "/pools",  # the question here is one for home
    "certificate show": "/certificates",
    "cost job": "/jobs/J|/jobs/J/tasks",
    "cost schedule": "/jobschedules/S/jobs",
    "csv application": "/applications",
    "csv certificate": "/certificates",
    "csv file": "/jobs/J/tasks/T/files",
    "csv job": "/jobs",
    "csv node": "/pools/P/nodes",
    "csv nodefile": "/pools/P/nodes/N/files",
    "csv pool": "/pools",
    "csv preparation": "/jobs/R/jobpreparationandreleasetaskstatus",
    "csv schedule": "/jobschedules",
    "csv schedulejob": "/jobschedules/S/jobs",
    "csv subtask": "/jobs/J/tasks/T/subtasksinfo",
    "csv task": "/jobs/J/tasks",
    "file get": "/jobs/J/tasks/T/files/stdout.txt",
    "file list": "/jobs/J/tasks/T/files",
    "home": "/pools",
    "job list": "/jobs",
    "job show": "/jobs/J",
    "log": "/jobs/J/tasks/T/files/stdout.txt",
    "node list": "/pools/P/nodes",
    "node map": "/pools",
    "node show": "/pools/P/nodes/N",
    "nodefile get": "/pools/P/nodes/N/files/startup%2Fstdout.txt",
    "nodefile list": "/pools/P/nodes/N/files",
    "nodelog": "/pools/P/nodes/N/files/startup%2Fstderr.txt",
    "pool autoscale": "/pools/A",
    "pool list": "/pools",
    "pool show": "/pools/P",
    "pool what-if": "/pools/A",
    "preparation list": "/jobs/R/jobpreparationandreleasetaskstatus",
    "raw account": "/batchAccounts/ACCOUNT",
    "raw job": "/jobs/J",
    "raw node": "/pools/P/nodes/N",
    "raw pool": "/pools/P",
    "raw schedule": "/jobschedules/S",
    "raw task": "/jobs/J/tasks/T",
    "schedule jobs": "/jobschedules/S/jobs",
    "schedule list": "/jobschedules",
    "schedule show": "/jobschedules/S",
    "show-as job": "/jobs/J",
    "show-as pool": "/pools/P",
    "show-as schedule": "/jobschedules/S",
    "show-as task": "/jobs/J/tasks/T",
    "subtask list": "/jobs/J/tasks/T/subtasksinfo",
    "task list": "/jobs/J/tasks",
    "task show": "/jobs/J/tasks/T",
    "failures": "/jobs",
    "failures account": "/jobs",
    "timeline job": "/jobs/J|/jobs/J/tasks",
    "timeline node": "/pools/P/nodes/N",
    "timeline task": "/jobs/J/tasks/T",
    "topology": "/pools|/jobs",
    "topology job": "/jobs/J",
    "why": "",
    "why job": "/jobs/J",
    "why node": "/pools/P/nodes/N",
    "why pool": "/pools/P",
    "why schedule": "/jobschedules/S",
    "why task": "/jobs/J/tasks/T|/jobs/J",
}
"""Of each command the calls without which there is nothing to show: names are letters."""
TOLD_ITSELF = {
    "advice": "/tasks/",  # a task that is gone has left nothing that could be measured
    "cost job": "/pools/",  # a pool that is gone is no gap: its machine is known by samples, or the receipt says so
    "task show": "/nodes/",  # a node that is gone is told in the service's words
    "application show": "/applications/",  # an application without active packages is only known to Resource Manager
    "trend": "",  # what was read is kept, and jobs that are deleted meanwhile are no gap
    "cost schedule": "/jobs/",
    "failures": "/files/",  # of how many logs something is left is told
    "failures account": "/files/",
}
"""Calls that may answer 404 without a word: what they ask for has gone, which the card shows by itself."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "throttle", "status": 503},
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 403},
    {"kind": "error", "status": 409},
    {"kind": "error", "status": 404},
    {"kind": "cut"},
    {"kind": "cut", "after": 1},
    {"kind": "slow", "seconds": 2.0},
)


def _is(asked: str, essential: str) -> bool:
    if essential == "/certificates":  # one of them is asked for in brackets
        return asked.startswith(essential)
    return asked.endswith(essential) if "/batchAccounts/" in essential else asked == essential


def _said(card: Card) -> str:
    return str(render(card, width=200).payload["text"])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is asked once: here it is made to fail for good."""
    monkeypatch.setattr(pipeline.Patience, "configure_retries", _never)
    monkeypatch.setattr("bot.azure.plane._CUT_BODIES", 0)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Targets whose answer is not waited for: the others may take the time that a busy machine needs."""
    targets: set[str] = set()

    def hastened(method: Any) -> Any:
        async def within(self: Plane, url: str, *more: Any) -> Any:
            plane = copy(self)
            if any(url.endswith(target) for target in targets):
                plane._deadline = 0.2
            return await method(plane, url, *more)

        return within

    for name in ("get", "head", "part"):
        monkeypatch.setattr(Plane, name, hastened(getattr(Plane, name)))
    return targets


def _never(self: pipeline.Patience, options: dict[str, Any]) -> dict[str, Any]:
    asked = super(pipeline.Patience, self).configure_retries({**options, "retry_total": 0, "retry_connect": 0})
    return {**asked, "until": 0.0}


def test_the_table_has_every_command() -> None:
    assert set(ESSENTIAL) <= set(READS)


@pytest.mark.parametrize("path", READS)
async def test_one_call_fails(scene: Scene, path: str, hasty: set[str]) -> None:
    text, letters = typed(path, scene.world.accounts[ACCOUNT])
    with calls_of(scene) as seen:
        before = await scene.ask(text)
    essential = {re.sub("(?<=/)[A-Z]+(?=/|$)", lambda found: letters.get(found[0], found[0]), each) for each in
                 ESSENTIAL.get(path, "").split("|") if each}  # fmt: skip
    faults = cycle(FAULTS)
    for listener, targets in sorted(seen.items()):
        for target in sorted(targets):
            asked = target.partition("?")[0]
            if "/msi/" in asked or "/metadata/" in asked or "/api/retail" in asked:
                continue
            for fault in [next(faults) for _ in range(few(1, 3))]:
                if fault["kind"] == "slow":
                    if "metrics:getBatch" in asked:
                        continue  # it keeps its own time
                    hasty.add(target)
                scene.sandbox.faults[listener].add(path=f"^{re.escape(target)}$", **fault)
                card = await scene.ask(text)
                hasty.clear()
                struck = any(each.struck for each in scene.sandbox.faults[listener].all)
                scene.sandbox.faults[listener].clear()
                if not struck:
                    continue  # what was read before is kept
                said = f"{text}: {asked} {fault}\n{_said(card)}"
                needed = any(
                    asked == each or (asked.endswith(each) and "/batchAccounts/" in each) for each in essential
                )
                if asked.startswith("/certificates") and "/certificates" in essential:
                    needed = True
                if needed or before.refused:
                    assert card.refused, said
                    continue
                assert not card.refused, said
                if fault.get("status") == 404 and TOLD_ITSELF.get(path, "\0") in asked:
                    continue
                assert "not known: " in _said(card), said
