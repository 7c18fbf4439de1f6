"""What people see, and when: the real program, a fast clock, and windows of time."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.rig import rig


async def test_one_message_edited_to_resolved(tmp_path: Path) -> None:
    async with rig(tmp_path) as stage:
        await stage.program.start()
        await stage.install()
        await stage.until(lambda: stage.rows("SELECT 1 FROM cursors"), 120, "a first look")
        [node] = stage.account.mischief.break_nodes("pool1")
        broke = stage.time.stamp()
        await stage.until(stage.told, 60, "a message")
        assert node
        took = stage.told()[0]["posted"] - broke
        assert took < 40
        await stage.wait(60)
        stage.account.mischief.heal("pool1")
        await stage.until(lambda: stage.told()[0]["text"].startswith("✔"), 60, "resolved")
        assert len(stage.told()) == 1
        assert len(stage.told_teams()) == 1
