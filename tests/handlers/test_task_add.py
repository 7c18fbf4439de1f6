"""Tasks are added once, whatever was given and whatever the service answers; what is wrong is said before."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.chat.port import AttachedFile
from bot.chat.request import CommandRequest, Conversation, Person
from bot.operations.engine import Operations
from bot.requests.dispatcher import Dispatcher
from bot.requests.uploads import is_reference
from cards import text
from cards.card import Attachment, Button, Card, Form, plain
from cards.command_line import join
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.operated import operated
from tests.handlers.test_cards import _items, still

JOB = "thumbnails:job-7"
CSV = "frame,scene\n" + "".join(f"{n},lobby\n" for n in range(1, 251))
TEMPLATE = "render --frame {frame} --scene {scene}"


class Asker:
    """Asks one thing after the other, each as a request of its own."""

    def __init__(self, scene: Scene, operations: Operations) -> None:
        self.scene, self.operations = scene, operations
        self._number = 0

    def request(self, words: str, **more: Any) -> CommandRequest:
        self._number += 1
        person = Person("text", "viewer", zone="America/Chicago")
        return CommandRequest(
            f"k{self._number}", words, person, Conversation("text", "here"), datetime.now(UTC), **more
        )

    async def cards(self, words: str, **more: Any) -> AsyncGenerator[Card]:
        """The answer and what follows it; where something is asked, yes is said to it."""
        yes = ""
        async for card in self.scene.dispatcher.cards(self.request(words, **more)):
            yield card
            yes = next((each.command for each in _buttons(card) if each.command.startswith("confirm ")), "")
        if yes:
            async for card in self.scene.dispatcher.cards(self.request(yes)):
                yield card

    async def ask(self, words: str, **more: Any) -> Card:
        """The last card."""
        return [card async for card in self.cards(words, **more)][-1]

    def ids(self, job: str = JOB) -> set[str]:
        live = self.scene.world.accounts["render-prod"].job(job)
        return {task.id for task in live.tasks.values()}


def _buttons(card: Card) -> list[Button]:
    return [item for item in _items(card) if isinstance(item, Button)]


@pytest.fixture
async def asker(scene: Scene) -> AsyncIterator[Asker]:
    async with operated(scene) as operations:
        yield Asker(scene, operations)


async def test_a_single_task_that_is_typed(asker: Asker) -> None:
    card = await asker.ask(f'task add {JOB} id:frame-0001 command:"render --frame 1" slots:2 retries:-1')
    assert plain(card.title) == f"1 task was added to job {JOB}"
    task = await asker.scene.ask(f"raw task {JOB} frame-0001")
    assert '"requiredSlots": 2' in str(task)
    check("task-add-one", still(card, asker.scene))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("id:a", "What is the task to run?"),
        ("command:run", "The task needs an id"),
        ("id:'a b' command:run", "The task cannot be added as it is"),
        ("tasks:'[]' id:a command:run", "either a single task or a list"),
        ("tasks:file:u000000000000000000000000", "not kept any more"),
    ],
)
async def test_half_of_a_task_is_asked_for(asker: Asker, typed: str, said: str) -> None:
    card = await asker.ask(f"task add {JOB} {typed}")
    assert card.refused
    assert said in plain(card.title)


async def test_the_ways_to_give_tasks(asker: Asker) -> None:
    card = await asker.ask(f"task add {JOB} template:'{TEMPLATE}'")
    assert not card.refused
    check("task-add-ways", still(card, asker.scene))
    assert (await asker.ask("task add nowhere")).refused


async def test_a_table_with_a_template_is_shown_before_it_is_added(asker: Asker) -> None:
    cards = [card async for card in asker.cards(join(["task", "add", JOB, f"tasks:{CSV}", f"template:{TEMPLATE}"]))]
    asked = text.render(cards[0]).payload["text"]
    for shown in (
        "kB in 3 requests.",
        "250 tasks without an id: numbered from row-00001.",
        "row-00001: render --frame 1 --scene lobby",
        "row-00003: render --frame 3 --scene lobby",
        "… 246 more …",
        "row-00250: render --frame 250 --scene lobby",
        "run at a time",
    ):
        assert shown in str(asked)
    assert "row-00004:" not in str(asked)
    assert plain(cards[-1].title) == f"250 tasks were added to job {JOB}"
    assert {f"row-{n:05}" for n in range(1, 251)} <= asker.ids()
    check("task-add-done", still(cards[-1], asker.scene))


async def test_the_form_shows_what_was_pasted(asker: Asker) -> None:
    request = asker.request("")
    opened = await asker.scene.dispatcher.form(f"task add {JOB}", request)
    assert isinstance(opened, Form)
    check("task-add-form", opened)
    values = {"job": JOB, "tasks": CSV, "template": TEMPLATE}
    filled = await asker.scene.dispatcher.form("task add", request, values=values)
    assert isinstance(filled, Form)
    check("task-add-form-pasted", filled)
    kept = next(each.value for each in filled.fields if each.name == "tasks")
    assert is_reference(kept), "a form could not show all of it again"
    again = await asker.scene.dispatcher.form("task add", request, values=values | {"tasks": kept})
    assert isinstance(again, Form)
    assert again.notes == filled.notes[:-1]
    wrong = await asker.scene.dispatcher.form("task add", request, values=values | {"template": "render {fram}"})
    assert isinstance(wrong, Form)
    assert "Did you mean {frame}?" in wrong.errors["tasks"]
    attached = await asker.scene.dispatcher.form("task add", request, values=values | {"tasks": "file:F1"})
    assert isinstance(attached, Form)
    assert not attached.errors


async def test_everything_that_is_wrong_is_told_at_once(asker: Asker) -> None:
    rows = [{"id": "a b", "commandLine": "x"}, {"id": "c"}, {"id": "d", "comandLine": "x"}] * 5
    card = await asker.ask("task add", values={"job": JOB, "tasks": json.dumps(rows, indent=1)})
    assert card.refused
    check("task-add-wrong", still(card, asker.scene))
    assert "row-00001" not in asker.ids()


async def test_ids_that_are_taken_are_found_before_and_can_be_left_out(asker: Asker) -> None:
    first = "id,commandLine\na,x\nb,x\n"
    await asker.ask("task add", values={"job": JOB, "tasks": first})
    card = await asker.ask("task add", values={"job": JOB, "tasks": first + "C,x\nd,x\n"})
    assert card.refused
    assert "has 2 tasks of these ids already: a, b." in plain(card.title)
    rest = next(each for each in _buttons(card) if each.text == "Add the other 2")
    done = await asker.ask(rest.command)
    assert plain(done.title) == f"4 tasks are in job {JOB}"
    assert {"a", "b", "C", "d"} <= asker.ids()


async def test_a_file_without_words_is_asked_about(asker: Asker) -> None:
    card = await asker.ask("", files=("F1",))
    assert card.refused
    assert "What is the file for?" in plain(card.title)
    assert [each.command for each in _buttons(card)] == ["help task add"]


async def test_a_file_beside_the_words_is_fetched_once_it_is_allowed(asker: Asker) -> None:
    asked: list[str] = []

    async def fetch(request: CommandRequest, reference: str, most: int) -> AttachedFile:
        asked.append(reference)
        return AttachedFile("frames.csv", CSV.encode("utf-16"))

    services = asker.scene.dispatcher.services
    chatting = replace(services.chatting, fetch=fetch)
    asker.scene.dispatcher = Dispatcher(replace(services, chatting=chatting))
    done = await asker.ask(f"task add {JOB} template:'{TEMPLATE}'", files=("F1",))
    assert plain(done.title) == f"250 tasks were added to job {JOB}"
    assert asked == ["F1"]
    asker.scene.permit(operators=[])
    refused = await asker.ask("task add", values={"job": JOB, "tasks": "file:F2"})
    assert refused.refused
    assert asked == ["F1"]


async def test_a_job_that_is_over_takes_none(asker: Asker) -> None:
    jobs = asker.scene.world.accounts["render-prod"].jobs
    over = next(job.id for job in jobs.values() if job.state == "completed")
    card = await asker.ask(f"task add {over} id:a command:x")
    assert plain(card.title) == f"Job {over} is completed: it takes no tasks any more."


async def test_without_an_identity_that_writes_nothing_is_read(scene: Scene) -> None:
    scene.permit(operators=["text:viewer"])
    card = await scene.ask(f"task add {JOB} id:a command:x")
    assert card.refused
    assert "name no identity that may change it" in plain(card.title)


async def test_whoever_may_not_is_told_so_and_nothing_is_fetched(scene: Scene) -> None:
    card = await scene.ask("task add", values={"job": JOB, "tasks": "file:F1"})
    assert card.refused
    assert "grant" in str(card)


async def test_tasks_that_the_service_refuses_are_told_one_by_one(asker: Asker) -> None:
    """What only the service knows: packages that are not there, slots that no node has."""
    tasks = [{"id": f"t{n}", "commandLine": "x"} for n in range(150)]
    for n in (3, 120):
        tasks[n]["applicationPackageReferences"] = [{"applicationId": "nowhere"}]  # type: ignore[assignment]
    tasks[7]["requiredSlots"] = 1000  # type: ignore[assignment]
    card = await asker.ask("task add", values={"job": JOB, "tasks": json.dumps(tasks)})
    assert plain(card.title) == f"147 of 150 tasks were added to job {JOB}"
    check("task-add-refused", still(card, asker.scene))
    (file,) = [block for block in card.blocks if isinstance(block, Attachment)]
    rows = file.content.decode().splitlines()
    assert rows[0] == "id,code,message"
    assert [row.split(",")[0] for row in rows[1:]] == ["t3", "t7", "t120"]
    assert len(asker.ids() & {f"t{n}" for n in range(150)}) == 147


async def test_stopped_in_the_middle_it_says_what_is_missing(asker: Asker) -> None:
    table = "commandLine\n" + "x\n" * 3000
    last: Card | None = None
    async for card in asker.cards("task add", values={"job": JOB, "tasks": table}):
        last = card
        for stop in (each for each in _buttons(card) if each.text == "Stop"):
            await asker.operations.stop(stop.command.rpartition(" ")[2])
    assert last
    count = len({each for each in asker.ids() if each.startswith("row-")})
    assert 0 < count < 3000
    assert plain(last.title) == f"{count:,} of 3,000 tasks were added to job {JOB}"
    rest = next(each for each in _buttons(last) if each.text == "Add the rest")
    assert plain((await asker.ask(rest.command)).title) == f"3,000 tasks are in job {JOB}"
