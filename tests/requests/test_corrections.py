"""What is offered for a command that was mistyped: it can be run, and is what was typed but for what was wrong."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bot.requests.command import Command, CommandError, Parameter
from bot.requests.grammar import words
from bot.requests.kept import completed
from bot.requests.universal import NOTHING, Given
from cards.command_line import join
from tests.commands import every_command

COMMANDS = sorted(every_command().commands)


def _value(known: Command, parameter: Parameter, number: int) -> str:
    if parameter.choices:
        return parameter.choices[0]
    return str(number + 2) if _numeric(known, parameter) else f"name-{number}"


def _numeric(known: Command, parameter: Parameter) -> bool:
    typed = {name.rstrip("_"): each.annotation for name, each in inspect.signature(known.handler).parameters.items()}
    return bool(re.search(r"\b(int|float|Unseen)\b", str(typed[parameter.name])))


def _line(known: Command) -> list[str]:
    """The command with all that it takes."""
    positional, options = [], []
    for number, each in enumerate(known.parameters):
        if each.positional:
            positional.append(_value(known, each, number))
        else:
            options.append(each.name if each.kind == "flag" else f"{each.name}:{_value(known, each, number)}")
    return [*known.path.split(), *positional, *options]


def _lines(path: str) -> Iterator[list[str]]:
    known = every_command().commands[path]
    yield _line(known)
    for example in known.examples:
        yield words(example)


def _spoiled(word: str, turn: int) -> str:
    """The word with a slip of the finger, each turn another: a letter is left out, twice there, swapped, or changed."""
    at = (turn * 3) % len(word)
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + "§" + word[at + 1 :],
        word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
        word.replace(":", " "),
    )
    return slips[turn % len(slips)]


def _mistakes(path: str) -> Iterator[tuple[list[str], int, CommandError]]:
    """Each mistake that a slip in a word of a command is, with the command and the word's place."""
    for turn, line in enumerate(_lines(path)):
        for at, word in enumerate(line):
            try:
                every_command().parse([*line[:at], *_spoiled(word, at + turn).split(), *line[at + 1 :]])
            except CommandError as error:
                yield line, at, error


@pytest.mark.parametrize("path", COMMANDS)
def test_a_mistake_is_told_in_plain_words_and_its_correction_can_be_run_and_keeps_all_that_was_right(path: str) -> None:
    for line, at, error in _mistakes(path):
        for word in ("convert", "into bool", "int.", "Invalid value", "Unknown option", "specified", "Traceback"):
            assert word not in error.message
        assert "--" not in error.message.partition("Type ")[2]
        offered = [each for each in error.nearest if not each.startswith("help")]
        kept = [word for place, word in enumerate(line) if place != at]
        for each in offered:
            tokens = words(each)
            assert every_command().fit(tokens) == "whole", (error.message, each)
            if at >= len(path.split()):
                assert [word for word in kept if word not in tokens] == [], (line, at, each)
            else:
                behind = line[len(path.split()) :]
                assert [word for word in behind if word not in tokens] == [], (line, at, each)
        for form in error.forms:
            assert every_command().fit(words(form)) != "none", (error.message, form)


def _given(command: list[str]) -> dict[str, Any]:
    call = every_command().parse(command)
    return {name: value for name, value in call.arguments.items() if value not in (None, (), False)}


@pytest.mark.parametrize("path", COMMANDS)
def test_a_handlers_correction_of_one_value_keeps_all_the_others(path: str) -> None:
    known = every_command().commands[path]
    line = _line(known)
    call, typed = every_command().parse(line), _given(line)
    needed = [
        _value(known, each, number) for number, each in enumerate(known.parameters) if each.required and each.positional
    ]
    needed += [
        f"{each.name}:{_value(known, each, number)}"
        for number, each in enumerate(known.parameters)
        if each.required and not each.positional
    ]
    for each in known.parameters:
        if each.positional or each.choices or each.kind != "text" or each.required or _numeric(known, each):
            continue
        right = join([*known.path.split(), *needed, f"{each.name}:right"])
        error = completed(every_command(), call, CommandError("It is wrong.", [right], at=each.name), NOTHING)
        assert len(error.nearest) == 1
        assert _given(words(error.nearest[0])) == {**typed, each.name: "right"}
        error = completed(every_command(), call, CommandError("It is wrong.", at=each.name), NOTHING)
        assert error.nearest == ()
        assert [_given(words(form)) for form in error.forms] == [
            {name: value for name, value in typed.items() if name != each.name}
        ]


@pytest.mark.parametrize(
    ("typed", "correction", "at", "whole"),
    [
        ("cost 0d by:day", "cost window:month", "window", "cost month by:day"),
        ("cost receipts on over:-5", "cost receipts over:5", "over", "cost receipts on over:5.0"),
        (
            "cost subscribe weekly at:03:00 zone:Berlin",
            "cost subscribe weekly zone:Europe/Berlin",
            "zone",
            "cost subscribe weekly at:03:00 zone:Europe/Berlin",
        ),
        ("usage 7d pool:gpu-a csv", "usage 24h", "pool", "usage 24h csv"),
        ("log 'follow' t-1 follow", "log 'follow' t-2", "task", "log 'follow' t-2 follow"),
    ],
)
def test_a_correction_is_laid_over_what_was_typed(typed: str, correction: str, at: str, whole: str) -> None:
    call = every_command().parse(words(typed))
    error = completed(every_command(), call, CommandError("No.", [correction], at=at), NOTHING)
    assert error.nearest == (whole,)


def test_a_correction_that_alters_nothing_is_not_offered_and_the_form_is() -> None:
    call = every_command().parse(words("cost 7d by:day"))
    error = completed(every_command(), call, CommandError("No.", ["cost 7d", "alert list", "help cost"]), NOTHING)
    assert (error.nearest, error.forms) == (("alert list", "help cost"), ("cost 7d by:day",))


def test_a_correction_keeps_the_reason_that_was_given() -> None:
    call = every_command().parse(words("pool resize gpu-a 4"))
    given = Given(reason="the release is late")
    error = completed(every_command(), call, CommandError("No.", ["pool resize gpu-b 4"], at="pool"), given)
    assert error.nearest == ("pool resize gpu-b 4 --reason='the release is late'",)


def test_what_is_said_of_the_bot_opens_no_form() -> None:
    call = every_command().parse(words("alert list"))
    error = completed(every_command(), call, CommandError("Alerts do not run here."), NOTHING)
    assert (error.nearest, error.forms) == ((), ())


@pytest.mark.parametrize(
    ("typed", "said", "nearest", "forms"),
    [
        ("log J follow", "“log” needs a task. Type log JOB TASK …", ("log J 'follow'",), ()),
        (
            "log J follow follow",
            "follow is given twice: give it once.",
            ("log J 'follow' follow", "log J follow 'follow'"),
            (),
        ),
        (
            "log J T follow:maybe lines:20",
            "“maybe” is neither yes nor no: write follow for yes, or leave it out.",
            (),
            ("log J T lines:20",),
        ),
        (
            "alert list kind:job.stuck",
            "“alert list” has no use for “kind:job.stuck”. Its options: state, severity, sort, page, csv and account.",
            (),
            ("alert list",),
        ),
        ("cost --rf", "“cost” has no option “--rf”. Its options: by and account.", (), ("cost",)),
        ("cost 7d by:dya", "“dya” is not a value of by: write pool, day, size or tag.", ("cost 7d by:day",), ()),
        (
            "task list J failed sort:runtime",
            "“runtime” is not a value of sort: write listed, name, state, failed, age, started, ran, exit or retries.",
            (),
            ("task list J failed",),
        ),
        ("job list page:x", "“x” is not a whole number for page: write one such as page:1.", (), ("job list",)),
        ("usage 7d from:2026-11-02 --to", "to needs a value behind it, such as to:TO.", (), None),
        (
            "cost receipts on over:$50 job:nightly-*",
            "“$50” is not a number for over: write one such as over:3.",
            ("cost receipts on over:50 job:'nightly-*'",),
            (),
        ),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(
    typed: str, said: str, nearest: tuple[str, ...], forms: tuple[str, ...] | None
) -> None:
    with pytest.raises(CommandError) as caught:
        every_command().parse(words(typed))
    error = caught.value
    assert error.message == said
    assert tuple(each for each in error.nearest if not each.startswith("help")) == nearest
    assert forms is None or error.forms == forms


@pytest.mark.parametrize(
    ("typed", "nearest", "forms"),
    [
        ("receipts", ("cost receipts",), ("cost job",)),
        ("receipt nightly-1", ("cost job nightly-1",), ()),
        ("bill", ("cost",), ()),
        ("bill last-month by:pool", ("cost last-month by:pool",), ()),
        ("errors", ("failures", "job list 'failed>0'", "alert list"), ()),
        ("explain gpu-a", ("job show gpu-a", "pool show gpu-a"), ()),
        ("explain", ("alert list",), ("job show", "pool show")),
        ("pools state:bad", ("pool list state:bad",), ()),
        ("usge 7d pool:gpu-a", ("usage 7d pool:gpu-a",), ()),
        ("pool autoscle evaluate gpu-a", ("pool autoscale evaluate gpu-a",), ()),
    ],
)
def test_the_nearest_command_of_a_word_that_begins_none(
    typed: str, nearest: tuple[str, ...], forms: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError) as caught:
        every_command().parse(words(typed))
    error = caught.value
    assert set(nearest) <= set(error.nearest)
    assert set(forms) <= set(error.forms)
