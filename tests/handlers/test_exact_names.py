"""Every button, menu and choice of every card opens exactly what it names, on each platform, however that is called."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from bot.requests.command import Call
from bot.requests.grammar import words
from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.behaviour import Work, exited
from bot.sandbox.world.scenarios.parts import UBUNTU, on
from cards import slack, teams
from cards.card import Card, plain
from cards.click import Click
from cards.command_line import command
from tests.cards import limits
from tests.commands import every_command
from tests.handlers.conftest import Scene
from tests.nasty_names import FILES, IDS
from tests.thorough import few

pytestmark = pytest.mark.parametrize("scene", ["tiny"], indirect=True)

POOLS = ("-dash", "follow", "--", "set", "page")
JOBS = ("-dash", "follow", "--recursive", "help", "account:job-1", "x" * 64)
TASKS = tuple({name.lower(): name for name in (*IDS, "state", "lines")}.values())
IN_WD = tuple(name for name in FILES if "\n" not in name and "\t" not in name)
MOST = few(70, 160)
"""Commands that are run."""


@pytest.fixture
def nasty(scene: Scene) -> Scene:
    """An account whose pools, jobs, tasks and files are all called something else than they look like."""
    account = next(iter(scene.world.accounts.values()))
    spec = PoolSpecification(
        vm_size="Standard_D2s_v3", virtual_machine_configuration=UBUNTU, target_dedicated_nodes=1, task_slots_per_node=4
    )
    for name in POOLS:
        account.allocator.add(name, spec)
    scene.advance(hours=1)
    for job, pool in zip(JOBS, (*POOLS, "pool1"), strict=True):
        live = account.job_lifecycle.add(job, JobSpecification(display_name="“page:2” – *x*", pool_info=on(pool)))
        for number, task in enumerate(TASKS if job == JOBS[0] else TASKS[:3]):
            failing = Work(median=30.0, failures=((1.0, exited(1)),)) if number % 3 else Work(median=30.0)
            account.runner.add(live, task, shlex.join(["tee", *IN_WD]), TaskSpecification(), work=failing)
    scene.advance(hours=1)
    return scene


def clicks(card: Card) -> Iterator[Click]:
    """What each platform sends back for everything on a card that can be pressed or chosen."""
    blocks: Any = json.loads(json.dumps(slack.render(card).payload))["blocks"]
    for block in blocks:
        for element in block.get("elements", ()) if block["type"] == "actions" else ():
            pressed = [element] if "value" in element else []
            chosen = [{**element, "selected_option": option} for option in element.get("options", ())]
            yield from (click for each in (*pressed, *chosen) if (click := slack.decode_click(each)))
    body: Any = json.loads(json.dumps(teams.render(card).payload))["body"]
    nodes = list(limits.nodes(body))
    choices = {node["id"]: node["choices"] for node in nodes if node.get("type") == "Input.ChoiceSet"}
    for node in nodes:
        if node.get("type") in ("Action.Execute", "Action.Submit"):
            data = node["data"]
            filled = [{**data, data["m"]: each["value"]} for each in choices[data["m"]]] if "m" in data else [data]
            yield from (click for each in filled if (click := teams.decode_click(each)))


class Oracle:
    """What there is: every name that a command on a card may bear."""

    def __init__(self, scene: Scene) -> None:
        account = next(iter(scene.world.accounts.values()))
        self.known = {
            "pool": {pool.id for pool in account.ordered_pools()},
            "job": {job.id for job in account.ordered_jobs()},
            "task": {task for job in account.ordered_jobs() for task in job.tasks},
            "node": {node for pool in account.ordered_pools() for node in pool.nodes},
            "account": {account.facts.name},
            "folder": {"", ".", "wd"},
            "file": {*(f"{where}{name}.txt" for where in ("", "startup/") for name in ("stdout", "stderr"))}
            | {f"wd/{name}" for name in (*IN_WD, "done", "result.json")},
        }  # fmt: skip

    def check(self, line: str, call: Call, asked: Call) -> None:
        """A command of a card names what there is, and nothing of it was taken for an option."""
        given = call.arguments
        for name, values in self.known.items():
            if given.get(name) is not None:
                assert given[name] in values, line
        for name in {"pool", "job", "task", "node"} & asked.arguments.keys() & given.keys():
            if call.command.noun == asked.command.noun == name:
                assert given[name], line


async def test_every_button_opens_exactly_what_it_names(nasty: Scene) -> None:
    oracle, seen, ran = Oracle(nasty), set[str](), 0
    tasks, files = set[str](), set[str]()
    queue = [
        command("file list", JOBS[0], "-dash", "wd"),
        *(command("task list", job) for job in JOBS),
        *(command("pool show", pool) for pool in POOLS),
        "home", "pool list", "job list", "account show", "topology",
        *(command("job show", job) for job in JOBS),
    ]  # fmt: skip
    pages = [command("file list", JOBS[0], "-dash", "wd", page=page) for page in range(2, 3 + len(IN_WD) // 20)]
    queue = [*queue, *pages, *(command("task list", JOBS[0], page=page) for page in (2, 3))]
    while queue and ran < MOST:
        line = queue.pop(0)
        asked = every_command().parse(words(line))
        if line in seen or asked.effect != "read":
            continue
        seen.add(line)
        ran += 1
        card = await nasty.ask(line)
        assert not card.refused, f"{line}: {plain(card.title)}"
        for click in clicks(card):
            call = every_command().parse(words(click.command)) if click.how != "form" else None
            if call is None:
                tokens = words(click.command)
                assert every_command().find(tokens), click.command
                continue
            oracle.check(click.command, call, asked)
            assert not call.arguments.get("recursive") or "recursive" in words(click.command), click.command
            if call.command.path == "task show":
                tasks.add(call.arguments["task"])
            if call.command.path in ("log", "file get"):
                files.add(call.arguments["file"])
            if click.command not in seen and call.command.path in (
                "log",
                "file get",
                "task show",
                "job show",
                "node list",
            ):
                queue.append(click.command)
    assert set(TASKS) <= tasks
    short = {f"wd/{name}" for name in IN_WD if len(json.dumps(f"wd/{name}", ensure_ascii=False)) <= 75}
    assert short <= files


async def test_a_file_is_opened_whatever_it_is_called(nasty: Scene) -> None:
    for name in IN_WD:
        card = await nasty.ask(command("log", JOBS[0], "-dash", f"wd/{name}"))
        assert not card.refused, (name, plain(card.title))
        assert plain(card.title).startswith(f"wd/{name} ")


async def test_a_windows_name_is_typed_with_backslashes_where_there_is_windows(nasty: Scene) -> None:
    shown = await nasty.ask("log -dash -dash wd\\stdout.txt")
    assert shown.refused
    assert "wd\\stdout.txt" in plain(shown.title)
    shown = await nasty.ask(f"log {JOBS[0]} -dash wd/a\\b")
    assert not shown.refused
