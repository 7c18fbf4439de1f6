"""Lists with a filter over the sandbox's wire: what the service is asked, how much is read, what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web

import handlers
from bot.azure.errors import AzureError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.requests.command import Mark
from bot.requests.context import Context
from bot.requests.forms import make_form
from bot.requests.registry import Registry
from cards.card import Actions, Button, Card, Footer, Menu, plain
from handlers.shared import filtering
from tests.handlers.conftest import Scene

Asked = list[tuple[str, str]]


@pytest.fixture
def asked(scene: Scene) -> Asked:
    """Path and ``$filter`` of every list that is asked for."""
    seen: Asked = []

    def witness(request: web.Request, response: web.Response) -> None:
        if "taskcounts" not in request.path:
            seen.append((request.path, request.query.get("$filter", "")))

    for plane in scene.sandbox.accounts.values():
        plane.observers.append(witness)
    return seen


def table(card: Card) -> list[str]:
    """The first column."""
    return [plain(row.cells[0]) for block in card.blocks if hasattr(block, "rows") for row in block.rows]


def notes(card: Card) -> str:
    return " ".join(plain(block.text) for block in card.blocks if isinstance(block, Footer))


def button(card: Card, label: str) -> Button | None:
    items = (item for block in card.blocks if isinstance(block, Actions) for item in block.items)
    return next((item for item in items if isinstance(item, Button) and item.text == label), None)


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
@pytest.mark.slow
async def test_failed_tasks_of_a_great_job_are_all_that_is_read(scene: Scene, asked: Asked) -> None:
    job = "job-0002"
    truth = [t.id for t in scene.world.accounts["performance"].jobs[job].tasks.values()
             if t.state == "completed" and t.execution_info.result == "failure"]  # fmt: skip
    assert len(truth) > 5
    card = await scene.ask(f"task list {job} failed>0")
    assert asked == [(f"/jobs/{job}/tasks", "(state eq 'completed' and executionInfo/result eq 'failure')")]
    assert table(card) == sorted(truth)[:20]
    extent = str(len(truth)) if len(truth) <= 20 else f"20 of {len(truth)}"
    assert plain(card.title) == f"Tasks of {job} · failed · {extent} · {len(truth)} failed"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Server pages of 100 rows, so that there are many."""
    monkeypatch.setattr(filtering, "SERVER_PAGE", 100)


def tasks_of(scene: Scene, job: str) -> list[str]:
    return sorted(scene.world.accounts["performance"].jobs[job].tasks)


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_no_more_pages_are_read_than_fill_the_page_and_the_next_goes_on_behind(
    scene: Scene, asked: Asked, small_pages: None
) -> None:
    wanted = [task for task in tasks_of(scene, "job-0002") if "7" in task]
    card = await scene.ask("task list job-0002 id~7")
    assert len(asked) == 2  # 19 of the first hundred hold a seven, and more of the second
    assert [rule for _, rule in asked] == ["", ""]
    assert table(card) == wanted[:20]
    assert "id contains 7 · 20 of at least 21" in plain(card.title)
    assert notes(card) == "Read 200 of about 2,000 for this page."
    shown, asked[:] = table(card), []
    for _ in range(3):
        following = button(card, "Next ▶")
        assert following and following.how == "edit"
        card = await scene.ask(following.command)
        shown += table(card)
    assert shown == wanted[:80]
    assert len(asked) <= 6
    assert "61 – 80 of at least 81" in plain(card.title)
    back = button(card, "◀ Previous")
    assert back
    assert table(await scene.ask(back.command)) == wanted[40:60]
    assert table(await scene.ask("task list job-0002 id~7 page:3")) == wanted[40:60]


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_what_the_service_can_decide_is_decided_there_and_the_rest_here(scene: Scene, asked: Asked) -> None:
    card = await scene.ask("task list job-0002 id:task-001* -id~5 created:30d")
    assert asked[0][1].startswith("startswith(id,'task-001') and creationTime ge DateTime'")
    assert len(asked) == 1
    assert table(card) == [t for t in tasks_of(scene, "job-0002") if t.startswith("task-001") and "5" not in t][:20]


async def test_jobs_are_counted_only_where_all_else_fits_and_no_further_than_the_page(scene: Scene) -> None:
    counted: list[str] = []

    def witness(request: web.Request, response: web.Response) -> None:
        if "taskcounts" in request.path:
            counted.append(request.path.split("/")[2])

    for plane in scene.sandbox.accounts.values():
        plane.observers.append(witness)
    everything = table(await scene.ask("job list"))
    counted.clear()
    card = await scene.ask("job list state:active failed>0")
    account = next(iter(scene.world.accounts.values()))
    active = [job for job in account.jobs.values() if job.body.state == "active"]
    assert sorted(counted) == sorted(job.body.id for job in active)
    truth = {
        job.body.id
        for job in active
        if any(t.state == "completed" and t.execution_info.result == "failure" for t in job.tasks.values())
    }
    assert set(table(card)) == truth
    assert everything
    assert "active · failed tasks > 0" in plain(card.title)


async def test_sorts_filters_and_states_go_together_on_every_list(scene: Scene) -> None:
    pools = await scene.ask("pool list sort:nodes state:steady nodes>0")
    assert plain(pools.title).startswith("Pools in")
    again = button(pools, "Refresh")
    assert again and again.command == "pool list state:steady 'nodes>0' sort:nodes page:1 account:render-prod"
    assert table(await scene.ask(again.command)) == table(pools)
    form = make_form(scene.dispatcher.services.registry, again.command.replace("'", "").split())
    assert {field.name: field.value for field in form.fields if field.value} == {
        "filter": "nodes>0", "state": "steady", "sort": "nodes", "account": "render-prod",
    }  # fmt: skip
    assert not {"skip", "met"} & {field.name for field in form.fields}
    name = table(await scene.ask("pool list sort:nodes"))[0]
    nodes = await scene.ask(f"node list {name} -bad sort:age")
    assert table(nodes)
    assert "not bad" in plain(nodes.title)
    menus = (i for block in nodes.blocks if isinstance(block, Actions) for i in block.items if isinstance(i, Menu))
    menu = next(menu for menu in menus if menu.label == "Sort")
    named = table(await scene.ask(menu.command.replace("{}", "name")))
    assert named == sorted(named)
    assert len(named) == len(table(nodes))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("job list stat:active", "job list state:active"),
        ("job list state:actve", "job list state:active"),
        ("pool list age:2h", "pool list 'age>2h'"),
        ("node list render-cpu spt:yes", "node list render-cpu spot:yes"),
        ("job list failed>x account:sim-dev", "job list 'failed>0' account:sim-dev"),
    ],
)
async def test_a_mistyped_filter_is_answered_with_the_command_that_was_meant(
    scene: Scene, typed: str, offered: str
) -> None:
    card = await scene.ask(typed)
    assert card.refused
    commands = [i.command for b in card.blocks if isinstance(b, Actions) for i in b.items if isinstance(i, Button)]
    assert offered in [each.removesuffix(" account:render-prod") for each in commands]
    assert not (await scene.ask(offered)).refused


@pytest.mark.parametrize(
    "typed",
    ["x" * 2900, "'id:a'' or id ne ''b'", "id:'; drop", "\u202eevil\u202c", "id:\x00\x07", "name~\u05d0\u05d1",
     "id:a/b?c#d%2f", "id:*'*", "-", "!", ">", ":", "not", "--", "-- --", "id:\\", "exit:99999999999999999",
     "age>99999w",
     "id~" + "*a" * 400, "created:9999-12-31", "created:0001-01-01", "state:", "or", "and"],
)  # fmt: skip
@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
async def test_whatever_is_typed_has_an_answer(scene: Scene, typed: str) -> None:
    account = next(iter(scene.world.accounts.values()))
    job, pool = next(iter(account.jobs)), next(iter(account.pools))
    for command in ("job list", "pool list", f"task list {job}", f"node list {pool}"):
        card = await scene.ask(f"{command} {typed}")
        assert "went wrong inside" not in plain(card.title)
        assert "Azure answered" not in plain(card.title)


async def test_a_long_reading_shows_how_far_it_is_and_can_be_stopped_and_gone_on_with(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = scene.world.clock.now()
    gate = asyncio.Event()

    async def reading() -> AsyncIterator[filtering.Found[str]]:
        yield filtering.Found(("a",), 1, 1000, 7, at, 9000)
        await gate.wait()
        yield filtering.Found(("a", "b"), 2, 2000, 1007, at, 9000)
        await asyncio.Event().wait()

    begin: filtering.Found[str] = filtering.Found((), 0, 0, 0, at, 9000)
    ctx = await context(scene)
    pace = filtering.Pace(first=0.01, every=0.01, most=30)
    steps = filtering.paced(ctx, reading(), begin, pace)
    step = await anext(steps)
    assert (step.found.rows, step.status) == (("a",), filtering.ReadStatus.READING)
    gate.set()
    step = await anext(steps)
    assert (step.found.rows, step.status) == (("a", "b"), filtering.ReadStatus.READING)
    status = filtering.ListStatus(ctx, step, filtering.PageStart(), lambda **o: f"task list j {sorted(o.items())}")
    assert status.extent == "2 so far"
    assert status.progress and "read 2,000 of about 9,000 so far" in plain(status.progress.text)
    assert status.going_on and status.going_on.command == f"stop {ctx.live.id}"
    ctx.live.stopping.set()
    step = await anext(steps)
    assert step.status is filtering.ReadStatus.STOPPED
    status = filtering.ListStatus(ctx, step, filtering.PageStart(), lambda **o: f"task list j {sorted(o.items())}")
    assert status.going_on and status.going_on.command == "task list j [('met', 2), ('skip', 2000)]"
    with pytest.raises(StopAsyncIteration):
        await anext(steps)


async def test_a_reading_pauses_after_its_time_and_tells_an_error_that_comes_late(scene: Scene) -> None:
    at = scene.world.clock.now()
    begin: filtering.Found[str] = filtering.Found((), 0, 0, 0, at)

    async def endless() -> AsyncIterator[filtering.Found[str]]:
        await asyncio.Event().wait()
        yield begin

    ctx = await context(scene)
    standings = [s.status async for s in filtering.paced(ctx, endless(), begin, filtering.Pace(0.01, 0.01, 0.05))]
    assert standings == [filtering.ReadStatus.READING, filtering.ReadStatus.PAUSED]
    broken = AzureError("ServerBusy", "try later", status=503)

    async def late() -> AsyncIterator[filtering.Found[str]]:
        await asyncio.sleep(0.03)
        yield begin
        raise broken

    steps = [s async for s in filtering.paced(ctx, late(), begin, filtering.Pace(0.01, 10, 30))]
    assert [s.status for s in steps] == [filtering.ReadStatus.READING, filtering.ReadStatus.BROKEN]
    assert steps[-1].error is broken
    with pytest.raises(AzureError):
        [s async for s in filtering.paced(ctx, late(), begin, filtering.Pace(10, 10, 30))]


async def context(scene: Scene) -> Context:
    """What a handler is given."""
    made: list[Context] = []
    registry = Registry.discover(handlers)
    scene.use(registry)

    async def spy(ctx: Context) -> Card:
        """Spy."""
        made.append(ctx)
        return Card(title=())

    registry.add(spy, Mark(f"spy on{len(registry.commands)}", "viewer", (), 0))
    await scene.ask(f"spy on{len(registry.commands) - 1}")
    return made[0]


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_a_long_list_is_told_by_edits_until_it_is_read_or_somebody_stops_it(
    scene: Scene, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "PACE", filtering.Pace(first=0.02, every=0.02, most=60))
    slow = scene.sandbox.faults["performance"].add(kind="slow", path="/tasks", seconds=0.05)
    request = CommandRequest(
        "k",
        "task list job-0002 command~nothing",
        Person("text", "viewer"),
        Conversation("text", "here"),
        datetime.now(UTC),
    )
    cards = [card async for card in scene.dispatcher.cards(request)]
    assert slow.struck == 20
    assert len(cards) > 3
    assert "so far" in plain(cards[0].title)
    assert button(cards[0], "Stop")
    assert button(cards[-1], "Stop") is None
    assert plain(cards[-1].title).startswith("Tasks of job-0002 · command contains nothing · 0")

    slow.struck, read = 0, 0
    last = None
    async for card in scene.dispatcher.cards(request):
        last = card
        stop = button(card, "Stop")
        if stop and not read and "read 1" in notes(card):
            read = 1
            stopping = asyncio.create_task(scene.ask(stop.command))
    assert last is not None
    assert "Stopped after" in notes(last)
    assert plain((await stopping).title) == plain(last.title)
    assert slow.struck < 20
    on = button(last, "Go on")
    assert on and on.how == "edit"
    left = await scene.ask(on.command)
    assert "command contains nothing · 0" in plain(left.title)
    assert slow.struck <= 21
