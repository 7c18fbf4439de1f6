"""What is made from the code is what lies in the tree; what is undocumented fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from bot.requests.grammar import words
from bot.requests.registry import Registry
from bot.tools.reference import markdown, settings_rows
from bot.tools.slack_manifest import EVENTS, manifest
from tests.commands import every_command
from tests.shared import shared

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return every_command()


def test_the_reference_page_is_true(registry: Registry) -> None:
    assert (ROOT / "docs/reference.md").read_text(encoding="utf-8") == markdown(registry), "run `make docs`"


def test_the_manifest_in_the_tree_is_the_one_the_commands_make(registry: Registry) -> None:
    assert (ROOT / "manifest.yaml").read_text(encoding="utf-8") == manifest(registry, url="https://bot.example.com")


@pytest.mark.parametrize("socket", [False, True])
def test_the_manifest_is_valid_by_the_official_schema(registry: Registry, socket: bool) -> None:
    schema = msgspec.json.decode(shared("chat/schemas/slack-manifest.schema.2.0.0.json").read_bytes())
    made: dict[str, Any] = yaml.safe_load(manifest(registry, url="https://bot.example.com", socket=socket))
    jsonschema.Draft7Validator(schema).validate(made)
    command = made["features"]["slash_commands"][0]
    assert len(command["command"]) <= 32
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000
    assert len(made["display_information"]["name"]) <= 35
    assert set(made["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)
    assert ("request_url" in made["settings"]["event_subscriptions"]) is not socket


def test_every_command_and_parameter_has_help(registry: Registry) -> None:
    for command in registry.commands.values():
        assert command.summary.endswith("."), command.path
        for parameter in command.parameters:
            assert parameter.help, f"{command.path}: {parameter.name} has no :param: line"


def test_every_setting_has_a_meaning() -> None:
    for key, _, _, meaning in settings_rows():
        assert meaning, key


_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(set((ROOT / "docs").glob("*.md")) - {ROOT / "docs/reference.md"}),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_in_the_pages_are_commands(registry: Registry, page: Path) -> None:
    """What stands as code and begins with the first word of a command can be typed, but for what it leaves out."""
    nouns = registry.nouns()
    written = page.read_text(encoding="utf-8").replace("\\|", "|").replace("{dedicated}", "4").replace("{spot}", "2")
    for span in _SPAN.findall(written):
        tokens = words(span)
        if len(tokens) < 2 or tokens[0] not in nouns or "[" in span:  # a usage with its options is made from the code
            continue
        known = registry.find(tokens)
        assert known, f"{page.name}: “{span}” is no command"
        if "{" in span and registry.fit(tokens) == "lacking":
            continue  # a button of a cause whose form asks for the rest
        if len(tokens) > len(known.path.split()):
            registry.parse(tokens)


def test_the_readme_names_both_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme
