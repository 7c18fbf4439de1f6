"""Secrets in text that comes piece by piece."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import stream_redaction
from bot.content.redaction import redact
from bot.content.stream_redaction import Redacting
from tests.content.made_up import occurrences

LINES = (
    "frame 12 done\n",
    "password=hunter2secret and more\n",
    "\n",
    "https://a.blob.core.windows.net/in?sv=1&sig=c2lnbmF0dXJlMTIz x\n",
    '{"name": "API_TOKEN",\n',
    ' "value": "abcd1234efgh5678"}\n',
    "-----BEGIN PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx3Vv9Zq1c2Q4f7\n" * 6 + "-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY----- was not found\n",
    "12:00:01 out -----BEGIN RSA PRIVATE KEY-----\n"
    + "12:00:01 out MIIEowIBAAKCAQEAx3Vv9Zq1c2Q4f7MIIEowIBAAKCAQEAx3Vv9\n" * 3
    + "12:00:02 out c2Q4f7==\n12:00:02 out -----END RSA PRIVATE KEY-----\n",
    "MIIEowIBAAKCAQEAx3Vv9Zq1c2Q4f7MIIEowIBAAKCAQEAx3Vv9\n" * 2 + "c2Q4f7==\n-----END RSA PRIVATE KEY-----\n",
    "db_password: |\n  first1&line\n\n  second2&line\n",
    "- name: DB_PASSWORD\n  value: Tr0ub4dor&3x\n",
    "curl -s \\\n  -u me:hunter2 \\\n  https://a/\n",
    "GET https://a/c?sv=1&sr=c&sig=J6Cus%2F7pIy%2BK8iEf\nnuSRxbEL7LVWO%2Fweb5NCfsvI%2Fik%3D 403\n",
    "p\0a\0s\0s\0w\0o\0r\0d\0=\0x\0y\0z\0\n\0",
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


@pytest.mark.parametrize("table", ["secret_kinds", "secret_kinds_unseen"])
def test_every_kind_is_found_wherever_it_is_cut(table: str) -> None:
    for each in occurrences(table, 1):
        text = f"before\n{each.text}\nafter\n"
        for step in (1, 7, 64):
            assert passed(text, [*range(0, len(text), step)]) == redact(text)


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
