"""Files of any make leave without secrets: what is no whole CSV or JSON, too."""

from __future__ import annotations

import csv
import json

import msgspec
import pytest

from bot.content.files_without_secrets import LONGEST_CELL, ClearFile, clear_file, file_without_secrets
from bot.content.outgoing import outgoing
from cards.build import text
from cards.card import Attachment, Card
from tests.content.made_up import occurrences

LONG = "frame 12 done " * 10_000
"""More than one cell of a CSV may have."""


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (f'Job,Said\na,"{LONG}\nb,password=hunter2abc\n', f'Job,Said\na,"{LONG}\nb,password=…\n'),
        (f'Job,Password\na,"{LONG}\nb,hunter2abc\n', 'Job,Password\na,…\nb,…\n'),
        (f"Job,Password\r\n{LONG},hunter2abc\r\nb,hunter2abc\r\n", f"Job,Password\r\n{LONG},…\r\nb,…\r\n"),
        (f"name,value\nDB_PASSWORD,hunter2abc\nFRAMES,12\n{LONG}", f"name,value\nDB_PASSWORD,…\nFRAMES,12\n{LONG}"),
        (f'"{LONG}\na,password=hunter2abc', f'"{LONG}\na,password=…'),
        (f"{LONG}\n", f"{LONG}\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("limit", [LONGEST_CELL, 1_000_000])
def test_what_is_no_csv_is_cleared_all_the_same(content: str, kept: str, limit: int) -> None:
    """Whatever the limit of Python's reader is, which is one for the whole process, and which others move."""
    before = csv.field_size_limit(limit)
    try:
        assert file_without_secrets(content.encode(), "text/csv").decode() == kept
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize("table", ["secret_kinds", "secret_kinds_unseen"])
def test_json_hides_what_its_escapes_say(table: str) -> None:
    for each in occurrences(table, 1):
        clear = file_without_secrets(json.dumps({"said": each.text}, indent=1).encode(), "application/json").decode()
        assert not each.left(clear), each
        assert not each.left(str(json.loads(clear))), each


def test_a_file_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    file = clear_file("a.log", b"it said password=hunter2abc", "text/plain")
    assert file.content == "it said password=…".encode()
    monkeypatch.setattr("bot.content.outgoing.file_without_secrets", lambda content, kind: b"searched again")
    title = text("a")
    (kept,) = outgoing(Card(title=title, blocks=(file,))).blocks
    assert kept is file
    (other,) = outgoing(Card(title=title, blocks=(Attachment("a", b"b", "text/plain"),))).blocks
    assert isinstance(other, Attachment)
    assert other.content == b"searched again", "what nobody vouches for is"


def test_a_file_that_is_stored_is_one_like_any_other() -> None:
    """Its mark says what was done in this process, and is not believed of what is read back."""
    card = Card(title=text("a"), blocks=(clear_file("a.log", b"frame 12", "text/plain"),))
    (block,) = msgspec.json.decode(msgspec.json.encode(card), type=Card).blocks
    assert isinstance(block, Attachment)
    assert not isinstance(block, ClearFile)
