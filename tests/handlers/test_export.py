"""Files that answers come as: CSV for spreadsheets, JSON for people."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.outgoing import outgoing
from cards.card import Attachment, Card
from handlers.shared.files import csv_of, json_of

KEY = "A" * 86 + "=="


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_rows_are_written_for_spreadsheets() -> None:
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    file = csv_of("tasks", ["Task", "Exit", "Ran"], [["a,b", 137, 1.5], ['say "x"', None, at], ["two\nlines", 0, ""]])
    assert (file.name, file.kind) == ("tasks.csv", "text/csv; charset=utf-8")
    assert file.content == (
        b'\xef\xbb\xbfTask,Exit,Ran\r\n"a,b",137,1.5\r\n"say ""x""",,2026-11-23T06:00:00+00:00\r\n"two\nlines",0,\r\n'
    )


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert rows(csv_of("x", ["=a"], [[cell]]).content) == [["'=a"], [f"'{cell}"]]


def test_figures_stay_figures() -> None:
    assert rows(csv_of("x", ["a"], [[-5], ["-5.25"], ["+1e9"], ["- 5"]]).content)[1:] == [
        ["-5"],
        ["-5.25"],
        ["+1e9"],
        ["'- 5"],
    ]


def test_secrets_do_not_leave_in_a_cell() -> None:
    file = csv_of("x", ["Command"], [["run --password hunter2"]])
    (sent,) = outgoing(Card(title=(), blocks=(file,))).blocks
    assert isinstance(sent, Attachment)
    assert rows(sent.content)[1] == ["run --password …"]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=2, max_size=2)))
def test_any_cells_are_read_back(cells: list[list[str]]) -> None:
    found = rows(csv_of("x", ["a", "b"], cells).content)[1:]
    assert len(found) == len(cells)
    assert all(len(row) == 2 for row in found)


def test_json_is_indented_in_its_own_order_and_without_secrets() -> None:
    raw = json.dumps(
        {
            "id": "nightly",
            "commandLine": f"run {KEY}",
            "environmentSettings": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "HOME", "value": "/root"}],
            "resourceFiles": [{"httpUrl": "https://a.blob.core.windows.net/c/x?sv=1&sig=abc"}],
            "accountKey": KEY,
            "password": "",
            "registry": {"password": "hunter2", "server": "films.azurecr.io"},
            "thumbprint": "0A1B2C3D4E5F60718293A4B5C6D7E8F901234567",
            "count": 3,
            "gone": None,
        }
    ).encode()
    (file,) = outgoing(Card(title=(), blocks=(json_of("job-night/ly", raw),))).blocks
    assert isinstance(file, Attachment)
    assert (file.name, file.kind) == ("job-night_ly.json", "application/json")
    assert json.loads(file.content) == {
        "id": "nightly",
        "commandLine": "run …",
        "environmentSettings": [{"name": "DB_PASSWORD", "value": "…"}, {"name": "HOME", "value": "/root"}],
        "resourceFiles": [{"httpUrl": "https://a.blob.core.windows.net/c/x?…"}],
        "accountKey": "…",
        "password": "",
        "registry": {"password": "…", "server": "films.azurecr.io"},
        "thumbprint": "0A1B2C3D4E5F60718293A4B5C6D7E8F901234567",
        "count": 3,
        "gone": None,
    }
    assert file.content.startswith(b'{\n  "id": "nightly",\n')
