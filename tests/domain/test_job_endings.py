"""Why a job ended, in words: every reason that the service gives by itself, and whatever else somebody gave."""

from __future__ import annotations

import pytest

from bot.domain.job_endings import ENDINGS, ended_because

DOCUMENTED = ("JMComplete", "MaxWallClockTimeExpiry", "TerminateJobSchedule", "AllTasksComplete", "TaskFailed")
"""Those of ``terminateReason`` in the Batch REST reference (``JobExecutionInformation``)."""


@pytest.mark.parametrize("reason", [*DOCUMENTED, "AllTasksCompleted", "UserTerminate"])
def test_a_reason_of_the_service_is_told_in_words(reason: str) -> None:
    said = ended_because(reason)
    assert reason not in said
    assert " " in said
    assert ended_because(reason.upper()) == said


@pytest.mark.parametrize("reason", ["", "superseded by nightly-13", "Wrong scene", "userterminated"])
def test_what_somebody_gave_as_the_reason_stays_as_it_was_given(reason: str) -> None:
    assert ended_because(reason) == reason


def test_words_follow_because() -> None:
    assert all(words[0].islower() and not words.endswith(".") for words in ENDINGS.values())
