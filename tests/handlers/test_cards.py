"""Every command's card, as people see it on each platform, against a living account that stands still."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from cards import slack, teams, text
from cards.card import Actions, Button, Card, Menu, Picture, plain
from tests.golden import check
from tests.handlers.conftest import START, Scene, nobody, sampled

COMMANDS = {
    "home": "home",
    "home-other": "home sim-dev",
    "help": "help",
    "help-all": "help all",
    "help-filter": "help filter",
    "help-welcome": "help welcome",
    "unknown-help": "help quotas",
    "help-noun": "help task",
    "help-command": "help task list",
    "account-list": "account list",
    "account-show": "account show",
    "pool-list": "pool list",
    "pool-list-none": "pool list state:stopping",
    "pool-show": "pool show render-gpu",
    "pool-show-autoscale": "pool show render-cpu",
    "node-list": "node list render-cpu",
    "job-list": "job list",
    "job-list-pool": "job list pool:render-gpu",
    "unknown-command": "flurb",
    "unknown-pool": "pool show rendr-gpu",
    "unknown-state": "pool list state:stedy",
    "unknown-account": "job list account:simdev",
    "unknown-job": "task list texture",
}


def still(card: Card, scene: Scene) -> Card:
    """The card without what differs from run to run: ports, and the moment of cards that read nothing."""
    encoded = msgspec.json.encode(card).decode()
    for number, url in enumerate([scene.sandbox.arm_url, *scene.sandbox.endpoints.values()]):
        encoded = encoded.replace(url.partition("//")[2], f"127.0.0.1:{number}")
    card = msgspec.json.decode(encoded, type=Card)
    read = card.as_of and abs((card.as_of - scene.world.time).total_seconds()) < 1  # at the account's own moment
    return card if read else replace(card, as_of=START)


@pytest.mark.parametrize("name", COMMANDS)
async def test_the_card_of_each_command(scene: Scene, name: str) -> None:
    card = await scene.ask(COMMANDS[name])
    assert card.refused is name.startswith("unknown")
    check(f"command-{name}", still(card, scene))


async def test_a_task_and_its_node_are_reached_by_clicking_alone(scene: Scene) -> None:
    """From the list of jobs to a failed task to the node it ran on, by what the cards offer."""
    jobs = await scene.ask("job list")
    menu = next(item for item in _items(jobs) if isinstance(item, Menu))
    for option in menu.options:
        job = await scene.ask(menu.command.replace("{}", option.value))
        failed = next((item for item in _items(job) if isinstance(item, Button) and item.text == "Failed tasks"), None)
        if not failed:
            continue
        tasks = await scene.ask(failed.command)
        opened = next(item for item in _items(tasks) if isinstance(item, Menu))
        task = await scene.ask(opened.command.replace("{}", opened.options[0].value))
        node = next((item for item in _items(task) if isinstance(item, Button) and item.text == "Node"), None)
        if node:
            break
    else:
        raise AssertionError("no job of the demo has failed tasks whose node is there")
    check("command-job-show", still(job, scene))
    check("command-task-list-failed", still(tasks, scene))
    assert "failed" in plain(task.title)
    check("command-task-show", still(task, scene))
    answered = await scene.ask(node.command)  # the node may be gone; then the nearest ones are offered
    assert plain(answered.title)


async def test_usage_is_drawn_from_samples(scene: Scene) -> None:
    empty = await scene.ask("usage")
    assert "no samples yet" in plain(empty.title)
    await sampled(scene, 20)
    card = await scene.ask("usage 1h")
    check("command-usage", still(card, scene))
    picture = next(block for block in card.blocks if isinstance(block, Picture))
    assert picture.chart.points
    assert "Busy" in picture.alt
    none = await scene.ask("usage 1h pool:nowhere")
    assert none.refused


async def test_every_button_of_every_card_is_a_command_that_works(scene: Scene) -> None:
    seen: set[str] = set()
    queue = ["home", "help", "account list"]
    while queue and len(seen) < 60:
        command = queue.pop(0)
        if command in seen:
            continue
        seen.add(command)
        card = await scene.ask(command)
        refused = command.startswith("new ")  # the + buttons say that they come later
        assert card.refused is refused, f"{command}: {plain(card.title)}"
        for item in _items(card):
            if isinstance(item, Button) and item.how == "form":
                await scene.dispatcher.form(item.command, nobody())
            elif isinstance(item, Button):
                queue.append(item.command)
            elif isinstance(item, Menu) and item.options:
                queue.append(item.command.replace("{}", f"'{item.options[0].value}'"))
    assert len(seen) > 30


def _items(card: Card) -> list[object]:
    return [item for block in card.blocks if isinstance(block, Actions) for item in block.items]


async def test_no_key_or_token_is_in_any_card(scene: Scene) -> None:
    keys = [key for account in scene.world.accounts.values() for key in account.facts.keys]
    for command in COMMANDS.values():
        card = await scene.ask(command)
        for render in (slack.render, teams.render, text.render):
            shown = msgspec.json.encode(render(card).payload).decode()
            assert not any(key in shown for key in keys)


@pytest.mark.parametrize(
    "typed",
    ["pool show " + "x" * 64, "pool show \x07\x00", "pool show \u202eevil", "pool show a/b?c#d%2f", 'pool show "a b"',
     "task show j 'it''s'", "node list 😀", "pool show " + "y" * 5000, "pool list page:0", "pool list page:-3",
     "pool list page:99999999", "task list 'a'' or 1 eq 1 or ''' state:failed"],
)  # fmt: skip
async def test_odd_input_gets_an_answer_with_advice(scene: Scene, typed: str) -> None:
    card = await scene.ask(typed)
    assert plain(card.title)
    assert "went wrong inside" not in plain(card.title)
    for render in (slack.render, teams.render, text.render):
        assert render(card).summary


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_azure_that_fails_is_told(scene: Scene, status: int) -> None:
    for faults in scene.sandbox.faults.values():
        faults.load(msgspec.json.encode({"kind": "error" if status == 500 else "throttle", "status": status}))
    card = await scene.ask("pool list")
    assert card.refused
    assert plain(card.title) == "The bot cannot sign in to Azure for render-prod.", "what gives tokens fails too"


async def test_help_about_a_command_names_those_below_it(scene: Scene) -> None:
    for typed, title in (("help alerts", "Help: alert"), ("help me", "What do you want to know?")):
        assert plain((await scene.ask(typed)).title) == title
    card = await scene.ask("help cost")
    said = str(text.render(card, width=10_000).payload["text"])
    below = [each.path for each in scene.dispatcher.services.registry.nouns()["cost"] if each.path != "cost"]
    assert len(below) > 5
    assert all(f"{path} – " in said for path in below)
    assert "Commands below it" not in str(text.render(await scene.ask("help cost job"), width=10_000).payload["text"])


async def test_help_is_whole_on_every_platform(scene: Scene) -> None:
    for asked in ("help", "help all", "help filter"):
        card = await scene.ask(asked)
        for render in (slack.render, teams.render, text.render):
            assert render(card).omitted == (), asked
