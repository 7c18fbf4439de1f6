"""What commands are about: every entity that they change, create or use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from bot.policy.rules import Target
from bot.policy.settings import KINDS
from bot.requests.binding import about, draft
from bot.requests.command import CommandError
from bot.requests.grammar import words
from bot.requests.registry import MOST
from tests.commands import every_command

REGISTRY = every_command()
A, B = Target("pool", "gpu-a"), Target("pool", "gpu-b")
JOB = Target("job", "nightly")


@pytest.mark.parametrize(
    ("typed", "target", "also", "uses"),
    [
        ("pool resize gpu-a 4", A, (), ()),
        ("pool clone gpu-a gpu-b", B, (), (A,)),
        ("job move nightly gpu-a", JOB, (A,), ()),
        ("job create nightly pool:gpu-a", JOB, (), (A,)),
        ("job clone other nightly pool:gpu-a", JOB, (), (Target("job", "other"), A)),
        ("job clone nightly", JOB, (), (JOB,)),
        ("schedule create s every:1d pool:gpu-a", Target("schedule", "s"), (), (A,)),
        ("schedule create s every:1d like:nightly", Target("schedule", "s"), (), (JOB,)),
        ("schedule set s pool:gpu-a", Target("schedule", "s"), (), (A,)),
        ("node reboot gpu-a", A, (), ()),
        ("node user gpu-a tvm-1", Target("node", "tvm-1", "gpu-a"), (), ()),
        ("task terminate nightly t1", JOB, (), ()),
        ("package activate render 4.2", Target("package", "4.2", "render"), (), ()),
        (
            "application default render 4.2",
            Target("application", "render"),
            (),
            (Target("package", "4.2", "render"),),
        ),
        ("certificate cancel-deletion cff2ab", Target("certificate", "cff2ab"), (), ()),
        ("account create farm", Target("account", "farm"), (), ()),
        ("account delete sim", Target(), (), ()),  # it is the account of the question
    ],
)
def test_every_entity_is_bound(typed: str, target: Target, also: tuple[Target, ...], uses: tuple[Target, ...]) -> None:
    call = REGISTRY.parse(words(typed))
    found = about(call.command, call.arguments)
    assert (found.target, found.also, found.uses) == (target, also, uses)


def test_what_is_to_be_named_yet_may_become_anything() -> None:
    request = CommandRequest("k", "", Person("slack", "U1"), Conversation("slack", "C1"), datetime.now(UTC))
    asked = draft(REGISTRY.commands["pool clone"], {"pool": "gpu-a"}, request, "sim")
    assert (asked.target, asked.uses, asked.partial) == (Target(), (A,), True)


def test_a_command_binds_each_kind_of_the_settings_patterns() -> None:
    bound = {"account"}
    for known in REGISTRY.commands.values():
        if known.mark.azure:
            given = {parameter.name: "x" for parameter in known.parameters if not parameter.many}
            found = about(known, given)
            bound |= {each.kind for each in (found.target, *found.also)} | {known.noun}
    assert bound >= set(KINDS)


@pytest.mark.parametrize(
    "typed",
    [
        "approvals page:99999999999999999999999",
        "audit below:-99999999999999999999999",
        "job priority nightly 1000000000001",
        "pool list page:" + "9" * 5000,
    ],
)
def test_a_number_that_is_none_of_anything_is_refused(typed: str) -> None:
    with pytest.raises(CommandError) as refused:
        REGISTRY.parse(words(typed))
    assert str(refused.value)


def test_every_number_is_bounded() -> None:
    for known in REGISTRY.commands.values():
        for parameter in known.parameters:
            if parameter.kind == "number" and not parameter.positional:
                needed = ["x" for each in known.parameters if each.required and each.positional]
                with pytest.raises(CommandError, match="out of range"):
                    REGISTRY.parse([*known.path.split(), *needed, f"{parameter.name}:{MOST + 1}"])
