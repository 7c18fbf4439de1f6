"""The home card tells what is worst first, as ``why``, ``failures`` and ``alert list`` do."""

from __future__ import annotations

import re

from bot.sandbox.world.behaviour import exited
from cards.card import Button, plain
from tests.handlers.alert_service import a_few, alerting, items, title, words
from tests.handlers.conftest import Scene
from tests.handlers.failing import a_job, farm, ran


async def test_what_failed_in_many_jobs_stands_before_a_pool_that_lacks_nodes(scene: Scene) -> None:
    before = await scene.ask("home")
    assert "pool render-gpu: core quota used up" in words(before)
    pool = farm(scene, "storm", 2, 0)
    nodes = pool.ordered()
    for number in range(12):
        ran(scene, a_job(scene, f"storm-{number:02}", pool), nodes, 40 + number, exited(1))
    home = await scene.ask("home")
    counted = re.search(r"(\d+) tasks failed in (\d+) jobs", title(home))
    assert counted, title(home)
    assert int(counted[1]) >= sum(range(40, 52))
    assert int(counted[2]) >= 12
    assert "all is well" not in title(home)
    lines = words(home).splitlines()
    storm, gpu = "most in storm-11 (51)", "core quota used up"
    assert [said for each in lines for said in (storm, gpu) if said in each] == [storm, gpu]
    (first, *_) = items(home)
    assert (first.text, first.command) == ("Failures", "failures account:render-prod")
    assert f"{counted[1]} failures" in title(await scene.ask(first.command))


async def test_families_whose_quota_is_nearly_full_come_first(scene: Scene) -> None:
    home = await scene.ask("home")
    said = words(home)
    assert "1 quota full" in title(home)
    assert "nearly full" not in title(home)
    assert said.index("NCASv3_T4") < said.index("Dedicated cores") < said.index("Pools")


async def test_alerts_of_what_a_list_shows_too_stand_once(scene: Scene) -> None:
    bot = await alerting(scene)
    await a_few(bot)
    home = await bot.ask("home")
    said = words(home)
    assert said.count("pool render-gpu") == 1  # its alert stands for it
    assert "pool render-gpu has 1 unusable node" in said
    await bot.ask("alert ack 2b3c4d5e")
    assert "acknowledged by" in words(await bot.ask("home"))
    opened = next(item for item in items(home) if item.text == "Open alert")
    assert opened.command == "alert show 1a2b3c4d"
    assert title(await bot.ask(opened.command)).startswith("job nightly:job-12")
    assert "alert list account:render-prod" in words_of_buttons(home)


def words_of_buttons(card: object) -> list[str]:
    """The commands of a card's buttons."""
    return [each.command for each in items(card) if isinstance(each, Button)]  # type: ignore[arg-type]


async def test_an_account_where_all_is_well_says_so_and_only_then(scene: Scene) -> None:
    home = await scene.ask("home sim-dev")
    wrong = re.search(r"failed|in trouble|alert|quotas? (nearly )?full", plain(home.title))
    assert ("all is well" in plain(home.title)) is (wrong is None)
