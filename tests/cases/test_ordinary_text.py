"""Texts of which nothing may be hidden."""

from __future__ import annotations

import pytest

from bot.content.redaction import redact
from tests.cases import Case, cases


@pytest.mark.parametrize("case", cases("ordinary_text"))
def test_a_case(case: Case) -> None:
    assert (redact(case.input) == case.input) is case.right
