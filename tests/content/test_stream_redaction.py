"""Secrets in text that comes piece by piece."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import stream_redaction
from bot.content.redaction import redact
from bot.content.stream_redaction import Redacting

LINES = (
    "frame 12 done\n",
    "password=hunter2secret and more\n",
    "\n",
    "https://a.blob.core.windows.net/in?sv=1&sig=c2lnbmF0dXJlMTIz x\n",
    '{"name": "API_TOKEN",\n',
    ' "value": "abcd1234efgh5678"}\n',
    "-----BEGIN PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx3Vv9Zq1c2Q4f7\n" * 6 + "-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY----- was not found\n",
    "Bearer eyJhbGciOi1234.eyJzdWIiOjEy.c2ln\n",
)


def passed(text: str, cuts: list[int]) -> str:
    flow = Redacting()
    conversations = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[start:stop] for start, stop in pairwise(conversations)]
    return "".join([*map(flow.feed, pieces), flow.rest()])


@given(st.lists(st.sampled_from(LINES), max_size=12).map("".join), st.lists(st.integers(0, 5000), max_size=6))
def test_wherever_a_text_is_cut_the_same_is_hidden(text: str, cuts: list[int]) -> None:
    assert passed(text, cuts) == redact(text)


@given(st.text(), st.lists(st.integers(0, 200), max_size=5))
def test_a_text_without_secrets_comes_whole(text: str, cuts: list[int]) -> None:
    if redact(text) == text:
        assert passed(text, cuts) == text


def test_no_more_is_held_than_a_long_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_redaction, "LONGEST", 100)
    flow, given_away = Redacting(), ""
    for _ in range(100):
        given_away += flow.feed("endless words " * 3)
        assert len(flow._held) <= 200
    assert given_away + flow.rest() == "endless words " * 300
