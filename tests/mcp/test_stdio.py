"""``batchbot mcp`` as a process, driven by the official client over standard input and output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from bot.mcp.settings import McpSettings
from bot.settings import SettingsError
from bot.settings_file import check
from bot.tools.mcp_stdio import asker_of
from tests.handlers.conftest import Scene
from tests.storage.looking import rows

CHANNEL = "slack:C012AB3CD"


def settings_file(scene: Scene, folder: Path, more: str) -> Path:
    """A settings file that points at the standing account."""
    account = scene.world.accounts["render-prod"]
    path = folder / "batchbot.toml"
    path.write_text(
        f"""
[bot]
database = "{folder}/own.db"
prices_url = ""
[accounts.render-prod]
endpoint = "{scene.sandbox.endpoints["render-prod"]}"
account = "render-prod"
subscription = "{account.facts.subscription}"
resource_group = "{account.facts.resource_group}"
region = "{account.facts.location}"
arm_endpoint = "{scene.sandbox.arm_url}"
credential = "managed_identity"
write_credential = "managed_identity"
[access]
everyone = "none"
viewers = ["text:you"]
admins = ["slack:U0MIA"]
{more}
""",
        encoding="utf-8",
    )
    return path


def started(path: Path, *options: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "bot", "mcp", "--settings", str(path), *options],
        env=dict(os.environ),
    )


@pytest.mark.slow
async def test_a_program_on_this_machine_asks(scene: Scene, tmp_path: Path) -> None:
    """In the name that the settings give; a change goes into the outbox of the database, and Azure stays as it was."""
    mcp = f'[[mcp]]\nperson = "slack:U0MIA"\nconversation = "{CHANNEL}"\nchanges = true\n'
    path = settings_file(scene, tmp_path, mcp)
    pools = len(scene.world.accounts["render-prod"].pools)
    async with Client(started(path)) as client:
        assert "pool_delete" in {each.name for each in (await client.list_tools()).tools}
        usage = await client.call_tool("node_map", {"pool": "render-cpu"})
        assert [each.type for each in usage.content] == ["text", "image"]
        assert "slack:U0MIA" in str((await client.call_tool("whoami", {})).structured_content)
        alerts = await client.call_tool("alert_list", {})
        assert alerts.is_error
        assert "they need the bot that watches" in str(alerts.structured_content)
        asked = await client.call_tool("pool_delete", {"pool": "encode-spot"})
        assert "Nothing was changed." in asked.structured_content["said"], asked.content
    assert len(scene.world.accounts["render-prod"].pools) == pools
    [(where, card)] = rows(str(tmp_path / "own.db"), "SELECT destination, card FROM outbox")
    assert where == CHANNEL
    assert b"pool delete encode-spot" in card
    async with Client(started(path, "--as", "you", "--tools", "pool list,home", "--no-changes")) as client:
        assert [each.name for each in (await client.list_tools()).tools] == ["home", "pool_list"]
        assert not (await client.call_tool("home", {})).is_error
    async with Client(started(path, "--as", "slack:U0ELSE")) as client:
        refused = await client.call_tool("home", {})
        assert refused.is_error
        assert "needs the role viewer; yours is none." in str(refused.structured_content)


def test_in_whose_name() -> None:
    assert asker_of(None, "") == McpSettings("text:you")
    assert asker_of(None, "admin") == McpSettings("text:admin")
    raw = {
        "accounts": {"a": {"endpoint": "https://a.b.batch.azure.com", "subscription": "s", "resource_group": "g"}},
        "mcp": [{"person": "slack:U1", "changes": True}],
    }
    one = check(raw, {}, use="ask")
    assert asker_of(one, "").person == "slack:U1"
    assert asker_of(one, "slack:U1").changes
    assert asker_of(one, "slack:U2") == McpSettings("slack:U2")
    raw["mcp"] = [{"person": "slack:U1"}, {"person": "slack:U2"}]
    with pytest.raises(SettingsError, match="choose one with --as: slack:U1, slack:U2"):
        asker_of(check(raw, {}, use="ask"), "")
    with pytest.raises(SettingsError, match="is nobody's id"):
        asker_of(None, "discord:1")
