"""The version before and this one side by side on one PostgreSQL, as in a rolling update: nothing lost or twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.environment import CHANNEL, Environment, environment
from tests.acceptance.replicas import ReplicaSet
from tests.acceptance.versions import PreviousProgram, previous, schema, unpacked
from tests.postgresql import database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]


async def test_an_old_and_a_new_version_side_by_side(tmp_path: Path) -> None:
    """The old one makes the database, the new one joins it and brings it up to date. Each is killed while it has the
    duties, and the old one is begun again beside the new one, as a cluster may do while it replaces copies.
    """
    tree = unpacked(commit := previous(), tmp_path)
    print(f"the version before is {commit[:12]}; it knows {schema(tree)}, this one {schema(ROOT)}")
    with database() as url:
        async with environment(tmp_path, settings={"bot": {"database": url}}) as stage:
            copies = ReplicaSet.of(stage, tmp_path, 1, lease=3.0)
            old = copies.add(tree=tree)
            [new] = copies.copies.keys() - {old}
            assert isinstance(copies.copies[old], PreviousProgram)
            assert copies.balancer
            await copies.balancer.start()

            copies.copies[old].begin()
            await copies.copies[old].listening()
            copies.balancer.only = old
            await stage.install()
            await stage.until(lambda: stage.rows("SELECT 1 FROM cursors"), 600, "a first look")
            stage.account.inject.break_nodes("pool1")
            await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 600, "both told")

            copies.copies[new].begin()
            await copies.copies[new].listening()
            assert copies.holder() == old, "a new one takes nothing away"
            assert stage.rows("SELECT max(number) FROM schema_version") == [(int(schema(ROOT)[-1][:4]),)]
            await _trouble(stage, "the-old-has-the-duties")
            await _asked(stage, copies, old, new)

            epoch = copies.epoch()
            await copies.kill_one(old)
            await stage.until(
                lambda: copies.holder() == new and copies.ready(after=epoch), 900, "the new one takes over"
            )
            await _trouble(stage, "the-new-has-the-duties")

            copies.copies[old].begin()
            await copies.copies[old].listening()
            assert copies.holder() == new
            await _asked(stage, copies, old, new)
            # Killed while it is about to tell: what it had decided, the other one tells.
            stage.account.inject.add_job("between-both", "pool1", 6, seconds=3e6)
            await stage.looked(1)
            stage.account.inject.storm(["between-both"], ["exit-1"], 6, 2)
            await stage.until(lambda: _decided(stage, "between-both"), 900, "it is decided")
            epoch = copies.epoch()
            await copies.kill_one(new)
            await stage.until(
                lambda: copies.holder() == old and copies.ready(after=epoch), 900, "the old one takes over"
            )
            await _told_once(stage, "between-both")
            await _trouble(stage, "the-old-has-them-again")
            await _asked(stage, copies, old)

            copies.copies[new].begin()
            await copies.copies[new].listening()
            epoch = copies.epoch()
            assert await copies.copies[old].stop() == 0
            await stage.until(lambda: copies.holder() == new and copies.ready(after=epoch), 900, "it is handed over")
            await _trouble(stage, "the-old-is-gone")
            await _asked(stage, copies, new)

            jobs = ["the-old-has-the-duties", "the-new-has-the-duties", "between-both", "the-old-has-them-again"]
            assert [_about(stage, each) for each in [*jobs, "the-old-is-gone"]] == [[1, 1]] * 5
            assert _about(stage, "pool1") == [1, 1]
            assert stage.rows("SELECT * FROM unreadable") == []
            said = copies.said()
            assert not [each for each in ("Traceback", "storage.unreadable") if each in said], said[-4000:]


async def _asked(stage: Environment, copies: ReplicaSet, *names: str) -> None:
    """Each of them takes in a question, and it is answered once."""
    assert copies.balancer
    for name in names:
        copies.balancer.only = name
        said = len(stage.slack.history_of(CHANNEL))
        assert (await stage.slack.command("viewer", CHANNEL, "job list")).ok
        await stage.until(lambda said=said: len(stage.slack.history_of(CHANNEL)) > said, 300, f"{name} is answered")  # type: ignore[misc]
        await stage.looked(1)
        assert len(stage.slack.history_of(CHANNEL)) == said + 1


async def _trouble(stage: Environment, job: str) -> None:
    """A job fails, and that is told in both chats, once."""
    stage.account.inject.add_job(job, "pool1", 6, seconds=3e6)
    await stage.looked(1)
    stage.account.inject.storm([job], ["exit-1"], 6, 2)
    await _told_once(stage, job)


async def _told_once(stage: Environment, job: str) -> None:
    await stage.until(lambda: _about(stage, job) == [1, 1], 900, f"{job} is told")
    await stage.until(lambda: not stage.undelivered(), 300, "it is known to be told")
    await stage.looked(1)
    assert _about(stage, job) == [1, 1]


def _decided(stage: Environment, word: str) -> bool:
    """Whether something about it is decided."""
    return bool(stage.rows(f"SELECT 1 FROM incidents WHERE name = '{word}'"))


def _about(stage: Environment, word: str) -> list[int]:
    slack = [each for each in stage.told() if word in each["text"]]
    teams = [each for each in stage.told_teams() if word in each["summary"]]
    return [len(slack), len(teams)]
