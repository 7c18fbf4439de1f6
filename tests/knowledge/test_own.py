"""A team's own file of causes: what it may say, which mistakes are told, and that no line makes it stall."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.azure.models import FailureInfo
from bot.azure.models.node import StartTaskInfo
from bot.domain import knowledge
from bot.domain.advice import of_start_task, of_task
from bot.domain.failures import usual
from bot.domain.knowledge import find
from bot.domain.knowledge.own import LARGEST, MOST, read_own, rows_of
from bot.domain.knowledge.patterns import occurs
from bot.settings import SettingsError
from bot.settings_file import load, own_causes

OWN = """
[[cause]]
exit = [42, 43]
cause = "the licence server is down"
do = "wait for it, then run the task again"
owner = "#licences"

[[cause]]
line = "no licence for"
cause = "all licences are taken."

[[cause]]
name = "denied"
exit = 1
line = "/licen[cs]e .* (denied|refused)/"
cause = "the licence server refuses this node"
owner = "#licences"

[[cause]]
exit = 137
cause = "our watchdog ended it"
do = "look at the watchdog's log"

[[cause]]
exit = 0xE0000001
cause = "the renderer lost its GPU"
"""
SETTINGS = """
[accounts.render]
endpoint = "https://render.westeurope.batch.azure.com"
subscription = "s"
resource_group = "r"

[knowledge]
file = "own.toml"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "batchbot.toml").write_text(SETTINGS)
    (tmp_path / "own.toml").write_text(OWN)
    yield tmp_path
    knowledge.use(())


def test_own_causes_come_first_wherever_a_failure_is_told(folder: Path) -> None:
    path = folder / "batchbot.toml"
    knowledge.use(own_causes(load(path, use="read"), path))

    licence = find("task", code="FailureExitCode", exit_code=42)
    assert licence is not None
    assert (licence.id, licence.cause) == ("own.exit_42", "the licence server is down")
    assert licence.do == "wait for it, then run the task again; ask #licences"
    assert licence.steps, "with the buttons of a task"
    assert find("exit", exit_code=43) == knowledge.row("own.exit_42")
    taken = find("line", line="ERROR: NO LICENCE FOR houdini")
    assert taken is not None and taken.cause == "all licences are taken"
    refused = find("task", exit_code=1, line="License server said: request denied")
    assert refused is not None and refused.id == "own.denied"
    other = find("task", exit_code=2, line="License server said: request denied")
    assert other is not None and other.id == "exit.usage", "both are wanted"
    lost = find("exit", exit_code=0xE0000001 - (1 << 32))
    assert lost is not None and lost.cause == "the renderer lost its GPU"
    ended = find("task", code="TaskEnded", category="UserError", exit_code=137)
    assert ended is not None and ended.id == "task.ended_by_person", "what the service ended says nothing of a program"

    # Cards, alerts and causes of jobs ask the same row.
    assert usual("exit code 137") == "our watchdog ended it"
    task = of_task(137, FailureInfo(code="FailureExitCode"))
    assert task is not None and task.cause == "our watchdog ended it"
    start = of_start_task(StartTaskInfo(exit_code=137)).advice
    assert (start.cause, start.do) == ("our watchdog ended it", "look at the watchdog's log")
    assert start.steps == knowledge.row("start_task.exit_code").steps

    knowledge.use(())
    assert usual("exit code 137").startswith("killed (SIGKILL)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[causes]]\nexit = 1\ncause = "x"', "causes: unknown key: write each entry as [[cause]]"),
        ('cause = "x"', "cause: write each entry as [[cause]]"),
        ('[[cause]]\nexit = 1\ncuase = "x"', "cause 1.cuase: unknown key: did you mean cause?"),
        ("[[cause]]\nexit = 1", "cause 1.cause: is missing: add it"),
        ('[[cause]]\ncause = "x"', "cause 1: nothing says when it fits: add exit or line"),
        ('[[cause]]\nexit = "1"\ncause = "x"', "cause 1.exit: Expected `int | array | null`, got `str`"),
        ('[[cause]]\nexit = 5000000000\ncause = "x"', "cause 1.exit: Expected `int` <= 4294967295"),
        ('[[cause]]\nexit = 0\ncause = "x"', "cause 1.exit: 0 is success: write the code of a failure"),
        ('[[cause]]\nexit = []\ncause = "x"', "cause 1.exit: Expected `array` of length >= 1"),
        ('[[cause]]\nline = "a"\ncause = "x"', "cause 1.line: Expected `str` of length >= 3"),
        (f'[[cause]]\nline = "{"a" * 201}"\ncause = "x"', "cause 1.line: Expected `str` of length <= 200"),
        ('[[cause]]\nline = "/(a/"\ncause = "x"', "cause 1.line: '/(a/' is not a regular expression: missing ): (a"),
        ('[[cause]]\nline = "/(?=a)b/"\ncause = "x"', "is not a regular expression: invalid perl operator: (?="),
        ("[[cause]]\nline = '/(a)\\1/'\ncause = \"x\"", "is not a regular expression: invalid escape sequence"),
        ('[[cause]]\nline = "/(a{900}){900}/"\ncause = "x"', "is not a regular expression: "),
        ('[[cause]]\nline = "/.*/"\ncause = "x"', "cause 1.line: '/.*/' fits every line"),
        ('[[cause]]\nline = "    "\ncause = "x"', "cause 1.line: '    ' fits nearly every line: write 3 characters"),
        ('[[cause]]\nexit = 1\ncause = "x\\ny"', "cause 1.cause: has several lines: write one"),
        ('[[cause]]\nexit = 1\ncause = "x\\u2028y"', "cause 1.cause: has several lines: write one"),
        (
            '[[cause]]\nexit = 1\ncause = "x\\u202ey"',
            "cause 1.cause: 'x\\u202ey' has characters that no message can show",
        ),
        ('[[cause]]\nexit = 1\ncause = " . "', "cause 1.cause: says nothing: write what went wrong"),
        ('[[cause]]\nexit = 1\nname = "A b"\ncause = "x"', "cause 1.name: Expected `str` matching regex"),
        (
            '[[cause]]\nexit = 7\ncause = "x"\n[[cause]]\nexit = 7\ncause = "y"',
            "name: own.exit_7 is there several times",
        ),
        (MOST * '[[cause]]\nexit = 7\ncause = "x"\n' + '[[cause]]\nexit = 7\ncause = "x"', f"write {MOST} at most"),
    ],
)
def test_every_mistake_is_one_line_that_says_what_where_and_the_cure(text: str, said: str) -> None:
    rows, mistakes = rows_of(tomllib.loads(text))
    assert len(mistakes) == 1, mistakes
    assert said in mistakes[0]
    assert len(rows) <= 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    for content, said in (
        (None, "no such file. Write it, or take knowledge.file out of the settings"),
        (b"[[cause", "not valid TOML"),
        (b"\xff", "cannot be read"),
        (b"a = " + b"[" * 5_000 + b"]" * 5_000, "not valid TOML"),
        (b"#" * (LARGEST + 1), "write 262,144 at most"),
    ):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SettingsError) as told:
            read_own(path)
        assert len(told.value.lines) == 1
        assert said in told.value.lines[0]
        assert str(path) in told.value.lines[0]


def test_a_file_as_editors_of_windows_write_it_and_lines_as_they_are_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b'\xef\xbb\xbf[[cause]]\r\nline = " no  licence "\r\ncause = "all are taken. "\r\n')
    (row,) = read_own(path)
    assert (row.cause, row.match[0].words) == ("all are taken", ("no licence",))


def test_check_tells_what_is_wrong_with_it(folder: Path) -> None:
    command = [sys.executable, "-m", "bot", "check", "--settings", str(folder / "batchbot.toml")]
    settings = folder / "batchbot.toml"
    settings.write_text(f'{settings.read_text()}\n[slack]\nbot_token_env = "HOME"\nsigning_secret_env = "HOME"\n')
    fine = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (fine.returncode, fine.stderr) == (0, "")
    assert fine.stdout.splitlines()[1] == f"{folder}/own.toml: fine, 5 causes of your own"
    (folder / "own.toml").write_text('[[cause]]\nexit = 0\ncause = "x"\n[[cause]]\nline = "/(/"\ncause = "y"\n')
    bad = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bad.returncode == 2
    assert [line.partition("own.toml: ")[2] for line in bad.stderr.splitlines()] == [
        "cause 1.exit: 0 is success: write the code of a failure",
        "cause 2.line: '/(/' is not a regular expression: missing ): (: mend it, or leave out the slashes for a text",
    ]


@pytest.mark.parametrize("pattern", ["(a+)+b$", "(a|a)*b", "(.*)*x", "a*a*a*a*a*a*a*a*a*a*b", "(a?){30}a{30}b"])
def test_no_expression_makes_a_line_stall(pattern: str) -> None:
    """Each takes longer than the universe with a backtracking matcher: the test's own time limit would end it."""
    for _ in range(200):
        assert not occurs(pattern, "a" * 100_000 + "!")
