"""What exit codes mean, in words that stand here."""

from __future__ import annotations

import pytest

from bot.domain.exit_codes import meaning, written


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0xC0000005, "access violation (0xC0000005)"),
        (-1073741819, "access violation (0xC0000005)"),
        (0xC0000135, "a DLL was not found (0xC0000135)"),
        (-1073741515, "a DLL was not found (0xC0000135)"),
        (0xC00000FD, "stack overflow (0xC00000FD)"),
        (-1073741571, "stack overflow (0xC00000FD)"),
        (0xC000013A, "interrupted (0xC000013A), which Batch does when a task has run longer than it may"),
        (-1073741510, "interrupted (0xC000013A), which Batch does when a task has run longer than it may"),
        (0xFFFFFFF5, "segmentation fault (SIGSEGV)"),  # -11 as an unsigned number
        (1, "the program reported an error; its stderr says which"),
        (2, "the program was called wrongly, or a file is missing"),
        (125, "the container engine could not start the container"),
        (126, "the command is there but cannot be executed: permission, or a file of another system"),
        (127, "the command was not found: a typo, a missing package, or a PATH that lacks it"),
        (130, "interrupted (SIGINT)"),
        (134, "the program aborted (SIGABRT), an assertion most often"),
        (137, "killed (SIGKILL), usually out of memory: use a larger size or fewer task slots"),
        (-9, "killed (SIGKILL), usually out of memory: use a larger size or fewer task slots"),
        (139, "segmentation fault (SIGSEGV)"),
        (-11, "segmentation fault (SIGSEGV)"),
        (143, "asked to end (SIGTERM): a time limit, a preemption or somebody's stop"),
    ],
)
def test_a_code_has_its_usual_meaning_signed_or_not(code: int, words: str) -> None:
    assert meaning(code) == words


@pytest.mark.parametrize("code", [0, 3, 42, 124, 128, 131, 138, 142, 144, -10, (1 << 31) - 1, 1 << 31])
def test_a_code_that_only_the_program_knows_has_none(code: int) -> None:
    assert meaning(code) == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "0"),
        (1, "1"),
        (42, "42"),
        (128, "128"),
        (129, "129 (SIGHUP)"),
        (137, "137 (SIGKILL)"),
        (143, "143 (SIGTERM)"),
        (255, "255"),
        (-1, "-1 (0xFFFFFFFF)"),
        (-9, "-9 (SIGKILL)"),
        (-1073741819, "-1073741819 (0xC0000005)"),
        (0xC000013A, "3221225786 (0xC000013A)"),
        (300, "300 (0x0000012C)"),
    ],
)
def test_a_code_is_written_as_it_may_be_looked_up(code: int, words: str) -> None:
    assert written(code) == words
