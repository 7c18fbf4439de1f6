"""Secrets that were left, and names that were not taken for secret."""

from __future__ import annotations

import pytest

from bot.content.redaction import is_secret, redact
from tests.cases import Case, cases


@pytest.mark.parametrize("case", cases("secrets"))
def test_a_case(case: Case) -> None:
    if isinstance(case.input, dict):
        assert is_secret(case.input["name"]) is case.right
    else:
        assert redact(case.input) == case.right
