"""The app package is what Teams takes."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import jsonschema
import pytest
from PIL import Image

from bot.chat.teams.message_extension import ABOUT, FIND, NAME
from bot.chat.teams.settings import TeamsSettings
from bot.domain.portal_links import PORTALS
from bot.settings import AccountSettings, BotSettings, SettingsError
from bot.settings_file import Settings
from bot.tools.teams_package import build
from tests.shared import shared

APP = "11111111-2222-3333-4444-555555555555"
COMMANDS = [("pool list", "List the pools of an account"), ("usage", "Busy cores and all cores")]


def settings(**rest: Any) -> Settings:
    teams = TeamsSettings(app_id=rest.pop("app_id", APP), tenant_id="t")
    account = AccountSettings("https://a.b.batch.azure.com", "s", "g")
    return Settings(
        accounts={"a": account},
        bot=BotSettings(public_url="https://bot.example:8443/x", **rest),
        platforms={"teams": teams},
    )


def unpacked(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def manifest(commands: list[tuple[str, str]], **rest: Any) -> dict[str, Any]:
    return dict(json.loads(unpacked(build(settings(**rest), commands))["manifest.json"]))


@pytest.mark.parametrize("commands", [[], COMMANDS, [(f"c{n}", "d" * 500) for n in range(40)], [("t" * 33, "d")]])
def test_manifest_is_valid_by_the_official_schema(commands: list[tuple[str, str]]) -> None:
    schema = json.loads(shared("chat/schemas/MicrosoftTeams.v1.19.schema.json").read_bytes())
    jsonschema.validators.validator_for(schema)(schema).validate(manifest(commands))


def test_manifest_says_what_the_settings_say() -> None:
    written = manifest(COMMANDS, name="render")
    (bot,) = written["bots"]
    assert (written["id"], bot["botId"], written["validDomains"]) == (APP, APP, ["bot.example"])
    assert bot["scopes"] == ["personal", "team", "groupChat"]
    assert bot["supportsFiles"], "tasks are attached in personal chats"
    assert bot["commandLists"][0]["commands"][0] == {
        "title": "pool list",
        "description": "List the pools of an account",
    }
    assert written["name"]["short"] == "Batch (render)"


def test_the_message_extension_is_the_bots_and_has_what_it_answers() -> None:
    (extension,) = manifest(COMMANDS)["composeExtensions"]
    assert extension["botId"] == APP
    find, about = extension["commands"]
    assert (find["id"], find["type"], [each["name"] for each in find["parameters"]]) == (FIND, "query", [NAME])
    assert (about["id"], about["type"], about["context"], about["fetchTask"]) == (ABOUT, "action", ["message"], True)
    assert all(len(each["title"]) <= 32 and len(each["description"]) <= 128 for each in (find, about))
    (handler,) = extension["messageHandlers"]
    assert handler["value"]["domains"] == [*PORTALS, "*.batch.azure.com"]


def test_no_title_is_cut_because_it_is_what_gets_typed() -> None:
    (bot,) = manifest([("t" * 33, "long"), *COMMANDS])["bots"]
    assert [command["title"] for command in bot["commandLists"][0]["commands"]] == ["pool list", "usage"]


@pytest.mark.parametrize(("name", "size", "mode"), [("color.png", 192, "RGB"), ("outline.png", 32, "RGBA")])
def test_icons(name: str, size: int, mode: str) -> None:
    image = Image.open(io.BytesIO(unpacked(build(settings(), COMMANDS))[name]))
    assert (image.format, image.size, image.mode) == ("PNG", (size, size), mode)


def test_outline_is_white_on_nothing() -> None:
    image = Image.open(io.BytesIO(unpacked(build(settings(), COMMANDS))["outline.png"]))
    colours = {colour for _, colour in image.getcolors() or []}
    assert colours == {(255, 255, 255, 0), (255, 255, 255, 255)}


def test_the_same_settings_give_the_same_bytes() -> None:
    assert build(settings(), COMMANDS) == build(settings(), COMMANDS)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (Settings(accounts={}), "teams:"),
        (settings(app_id="the bot"), "teams.app_id"),
        (Settings(accounts={}, platforms={"teams": TeamsSettings(app_id=APP, tenant_id="t")}), "bot.public_url"),
    ],
)
def test_settings_that_say_too_little(wrong: Settings, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        build(wrong, COMMANDS)
