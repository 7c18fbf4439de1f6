"""Nothing that a webhook is to hear is lost, however often the program is killed and the receiver fails."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.acceptance.environment import environment
from tests.webhooks.receivers import KEY, receiver

pytestmark = pytest.mark.slow
KILLS = 6


async def test_every_incident_is_told_though_the_program_is_killed_and_the_receiver_fails(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with receiver() as there, environment(tmp_path, teams=False) as stage:
        stage.program.raw["webhooks"] = [{"name": "pager", "url": there.url, "secret_env": "PAGER_KEY"}]
        stage.program.environment = {**stage.program.environment, "PAGER_KEY": KEY}
        inject = stage.account.inject
        await stage.begin()
        there.always = 503
        told = "SELECT 1 FROM outbox WHERE destination = 'webhook:pager' AND instr(CAST(card AS TEXT), ?)"
        for number in range(KILLS):
            job = f"storm-{number}"
            inject.add_job(job, "pool1", 4, seconds=3e6)
            inject.storm([job], ["exit-9"], 4)
            await stage.until(lambda job=job: stage.rows(told, job), 900, "it is decided")  # type: ignore[misc]
            there.always = None if number == KILLS // 2 else 503
            there.then(*chance.choices([204, 500, 429, 204], k=3))
            await stage.wait(chance.uniform(0, 20))
            await stage.program.restart("kill")
        there.always = None
        waits = "SELECT 1 FROM outbox WHERE destination = 'webhook:pager' AND sent < version"
        await stage.until(lambda: not stage.rows(waits), 900, "all of it is out")
        stored = stage.rows("SELECT id FROM outbox WHERE destination = 'webhook:pager' ORDER BY not_before, seq")
        decided = [str(id_).removesuffix("@pager") for (id_,) in stored]
        came = [each["id"] for each in there.taken]
        assert set(came) == set(decided), "each came, and nothing that was not decided"
        assert list(dict.fromkeys(came)) == decided, "in the order in which it was decided"
        opened = {each["subject"] for each in there.taken if each["type"].endswith((".opened", ".news"))}
        assert {f"job/storm-{number}" for number in range(KILLS)} <= opened
        print(f"{len(decided)} events, {len(came) - len(set(came))} came twice, {len(there.asked)} attempts")
        said = stage.program.said()
        assert KEY not in said
        assert there.url not in said
