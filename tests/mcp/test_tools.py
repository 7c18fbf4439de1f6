"""Commands as tools: their schemas, their names, what they promise, and that no argument becomes anything else."""

from __future__ import annotations

import itertools
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mcp.offered import NOT_CHANGES, NOT_READS, is_change, offered, reason_against
from bot.mcp.server import RESOURCES, described
from bot.mcp.settings import McpSettings, mcp_mistakes, token_mistakes
from bot.mcp.tool import Tool, arguments_of, tools_of
from bot.requests.command import Call, CommandError
from bot.requests.grammar import words
from bot.requests.universal import taken
from bot.settings import SettingsError
from bot.settings_file import check
from tests.commands import every_command
from tests.nasty_names import ANY_NAME, ANY_WORD, FILES
from tests.webhooks.test_settings import BASE

SUBSCRIPTION = "1b8cf09e-3b5c-4a8e-9d5c-0d0a5b1e9d11"
PAGE = Path(__file__).parents[2] / "docs/mcp.md"
LETTER = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What a name of a tool may be in every client."""


def tools(*, changes: bool = True, accounts: tuple[str, ...] = ("prod", "dev")) -> dict[str, Tool]:
    registry = every_command()
    return tools_of(registry, offered(registry.commands.values(), ["*"], changes=changes), accounts)


TOOLS = tools()


def test_every_command_that_reads_is_a_tool_or_the_page_says_why_not() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = {tool.known.path for tool in tools(changes=False).values()}
    reads = {path for path, known in every_command().commands.items() if known.effect == "read"}
    left_out = {path for path in reads if reason_against(every_command().commands[path])}
    assert made == reads - left_out - {"undo"}
    for pattern, why in {**NOT_READS, **NOT_CHANGES}.items():
        assert any(fnmatchcase(path, pattern) for path in every_command().commands), f"{pattern} fits nothing"
        assert f"| {pattern.replace('*', '…')} | {why} |" in page, f"docs/mcp.md does not say why {pattern} is no tool"
    assert f"\n{len(made)} that read, {len(tools()) - len(made)} that ask for changes" in page


def test_what_changes_something_is_a_tool_only_where_it_is_wanted() -> None:
    reading, all_ = tools(changes=False), tools()
    assert not any(tool.changes for tool in reading.values())
    changes = {path for path, known in every_command().commands.items() if known.effect != "read"} | {"undo"}
    assert {tool.known.path for tool in all_.values() if tool.changes} == changes - NOT_CHANGES.keys()
    assert set(RESOURCES.values()) and {name for name, _ in RESOURCES.values()} <= set(reading)


def test_no_client_has_too_many() -> None:
    """VS Code takes 128 tools."""
    assert len(tools(changes=False)) < 128


def test_the_schema_of_each_tool_is_one() -> None:
    for name, tool in tools().items():
        assert LETTER.fullmatch(name), name
        jsonschema.Draft202012Validator.check_schema(tool.schema)
        made = described(tool).model_dump(by_alias=True, exclude_none=True)
        assert made["description"].startswith(tool.known.summary)
        for argument, schema in tool.schema["properties"].items():
            assert argument == "account" or schema.get("description"), f"{name}.{argument} says nothing"
            if "default" in schema:
                jsonschema.validate(schema["default"], schema)
        jsonschema.validate(example(tool), tool.schema)


def test_hints_are_true() -> None:
    for tool in tools().values():
        hints = described(tool).annotations
        assert hints
        assert hints.read_only_hint == (not is_change(tool.known)), tool.name
        assert hints.destructive_hint == (tool.known.effect == "destroy"), tool.name
        assert ("it asks the person in their chat" in tool.description) == tool.changes, tool.name


def test_an_account_is_asked_for_where_there_are_several() -> None:
    assert tools()["pool_list"].schema["properties"]["account"]["enum"] == ["prod", "dev"]
    assert "account" not in tools(accounts=("prod",))["pool_list"].schema["properties"]


def test_some_commands_alone() -> None:
    registry = every_command()
    made = tools_of(registry, offered(registry.commands.values(), ["home", "why *"], changes=True), ["prod"])
    assert {"home", "why_pool", "why_task"} <= made.keys()
    assert {each.split("_")[0] for each in made} == {"home", "why"}


def test_a_call_is_the_command_with_just_these_arguments() -> None:
    """Whatever is in the arguments: a name is a name, and what comes back as a suggestion is the same call."""
    names = itertools.cycle(FILES)
    for tool in tools().values():
        for nasty in ("plain", *itertools.islice(names, 5)):
            arguments = example(tool, nasty)
            arguments |= {each.name: "plain" for each in tool.parameters.values() if each.many}
            arguments |= {"reason": "it is late"} if tool.takes_reason else {}
            call, emergency = parsed(tool.command(arguments))
            assert call.command is tool.known, (tool.name, nasty)
            assert not emergency
            for each in tool.parameters.values():
                if not each.many and "enum" not in tool.schema["properties"][each.name]:
                    assert call.arguments[each.name] == arguments[each.name], (tool.name, each.name, nasty)
            again = arguments_of(tool, call)
            assert again is not None
            assert arguments_of(tool, parsed(tool.command(again))[0]) == again, (tool.name, nasty)
            assert {name: arguments.get(name) for name in again} == again, (tool.name, nasty)


@given(ANY_WORD)
def test_no_text_makes_another_command(text: str) -> None:
    pool_show, log = TOOLS["pool_show"], TOOLS["log"]
    autoscale, usage = TOOLS["pool_autoscale"], TOOLS["usage"]
    for tool, arguments in (
        (pool_show, {"pool": text}),
        (autoscale, {"pool": text}),
        (usage, {"job": text, "tag": text, "size": text, "from": text}),
        (log, {"job": text, "task": text, "file": text, "encoding": text}),
    ):
        call, _ = parsed(tool.command(arguments))
        assert call.command is tool.known
        assert {name: call.arguments[name] for name in arguments} == arguments


@given(
    st.sampled_from(["pool_list", "job_list", "node_reboot", "task_delete", "help", "pool_autoscale_lint"]), ANY_NAME
)
def test_no_filter_makes_another_command(name: str, text: str) -> None:
    """It is refused, or read as what it is: words behind the command."""
    tool = TOOLS[name]
    arguments = {**dict.fromkeys(tool.schema.get("required", ()), "x"), _many(tool): text}
    try:
        call, _ = parsed(tool.command(arguments))
    except CommandError:
        return
    assert call.command is tool.known


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("pool_show", {}, "pool_show needs the argument pool."),
        ("pool_show", {"pool": 7}, "pool has to be of the type string."),
        ("pool_list", {"page": "two"}, "page has to be of the type integer."),
        ("pool_list", {"page": True}, "page has to be of the type integer."),
        ("pool_list", {"sort": "colour"}, "sort has to be one of: trouble, name"),
        ("pool_list", {"nonsense\x1b[31m": 1}, "pool_list has no argument “nonsense”. It has: filter, state"),
        ("pool_show", {"pool": "x", "account": "other"}, "account has to be one of: prod, dev."),
        ("pool_show", {"pool": "x" * 20_001}, "pool has 20,001 characters; 20,000 are taken."),
        ("pool_list", {"filter": "name:'x"}, "A quote is opened and not closed"),
    ],
)
def test_arguments_that_do_not_fit_are_told_in_a_sentence(name: str, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandError, match=re.escape(says)):
        tools()[name].command(arguments)


def test_nobody_declares_an_emergency_this_way() -> None:
    for tool in tools().values():
        assert "emergency" not in tool.schema["properties"]
        assert "follow" not in tool.schema["properties"]


def test_settings_that_cannot_be_are_told() -> None:
    people = [
        McpSettings("mia@example.com", "A"),
        McpSettings("slack:U1", "A", conversation="teams:19:abc@thread.tacv2"),
        McpSettings("somebody", conversation="slack:#ops"),
        McpSettings("slack:S0GROUP1"),
    ]
    told = list(mcp_mistakes(people))
    assert [each.partition(": ")[0] for each in told] == [
        "mcp 1.person", "mcp 2.token_env", "mcp 2.conversation", "mcp 3.person", "mcp 3.conversation", "mcp 4.person",
    ]  # fmt: skip
    assert not list(
        mcp_mistakes([McpSettings("slack:U1", "A", conversation="slack:C012AB3CD"), McpSettings("teams:x")])
    )


def test_weak_and_shared_tokens_are_told_and_never_shown() -> None:
    people = [McpSettings("slack:U1", "A"), McpSettings("slack:U2", "B"), McpSettings("slack:U3", "C")]
    long = "0123456789abcdef" * 2
    told = list(token_mistakes(people, {"A": long, "B": "short-one", "C": long}))
    assert [each.partition(":")[0] for each in told] == ["mcp 2.token_env", "mcp 3.token_env"]
    assert not any(long in each or "short-one" in each for each in told)
    render = {"endpoint": "https://r.uksouth.batch.azure.com", "subscription": "s", "resource_group": "g"}
    asking = [{"person": "slack:U2", "token_env": "B"}]
    with pytest.raises(SettingsError) as wrong:  # with the file, before any of it is in force
        check({"accounts": {"render": {**render, "subscription": SUBSCRIPTION}}, "mcp": asking}, {"B": "short-one"})
    assert [each for each in wrong.value.lines if each.startswith("mcp 1.token_env")]


def test_a_token_that_will_not_do_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    """So “batchbot check” says it, and a file that is read while the bot runs changes nothing with it."""
    raw = {**BASE, "mcp": [{"person": "slack:U1", "token_env": "A"}]}
    with pytest.raises(SettingsError) as short:
        check(raw, {"A": "short-one"})
    assert [each.partition(" has ")[0] for each in short.value.lines] == ["mcp 1.token_env: the token"]
    with pytest.raises(SettingsError) as unread:
        check(raw, {"A_FILE": str(tmp_path / "gone")})
    assert len(unread.value.lines) == 1
    assert check(raw, {"A": "0123456789abcdef" * 2}).mcp[0].token_env == "A"


def parsed(command: str) -> tuple[Call, str]:
    """The call of a command, and the emergency that it declares."""
    tokens = words(command)
    rest, given_ = taken(every_command().find(tokens), tokens)
    return every_command().parse(rest), given_.emergency


def _many(tool: Tool) -> str:
    return next(each.name for each in tool.parameters.values() if each.many)


def example(tool: Tool, text: str = "x") -> dict[str, Any]:
    """Every argument of a tool, with this text wherever any will do."""
    made: dict[str, Any] = {}
    for name, schema in tool.schema["properties"].items():
        kind = schema["type"]
        made[name] = (
            schema["enum"][-1] if "enum" in schema else {"boolean": True, "integer": 3, "number": 3.5}.get(kind, text)
        )
    return made
