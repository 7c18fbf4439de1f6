"""Situations that once went wrong, by theme, in one readable form: the situation, what went in, the right answer.

A theme is ``THEME.toml`` beside this file, tried by ``test_THEME.py``; the head of the file says what its inputs and
answers may hold. The next case is one more entry::

    [[case]]
    situation = "Somebody of another company mentions the bot in a shared channel"
    input = { text = "<@BOT> log job-1 task-1", user_team = "T0OTHER" }
    right = { card = "refused" }
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, convert


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One situation. The shapes of ``input`` and ``right`` are the theme's own."""

    situation: str
    input: Any
    right: Any


class _Theme(Struct, frozen=True, forbid_unknown_fields=True):
    case: list[Case]


def cases(theme: str) -> list[Any]:
    """The cases of a theme as parameters of a test, each named by its situation."""
    text = (Path(__file__).parent / f"{theme}.toml").read_text(encoding="utf-8")
    return [pytest.param(case, id=case.situation) for case in convert(tomllib.loads(text), _Theme).case]
