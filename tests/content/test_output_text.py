"""Bytes of any encoding become lines that people can read."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.files import Head, Tail
from bot.content.output_text import LONGEST, Printed, decoded, fit, printed, secrets_in_bytes, wide_encoding
from bot.content.redaction import redact

SECRET = "sig=aB3%2Bd9f0Lq7x%2FVh2mWwz5Yc1RkTn8uJp4sEoXg6iA%3D"


def end(content: bytes, start: int = 0, first: bytes = b"") -> Tail:
    return Tail(content, start, Head(start + len(content), None, datetime(2026, 11, 23, tzinfo=UTC)), first)


def shown(content: bytes, lines: int = 40, start: int = 0, first: bytes = b"") -> Printed:
    found = printed(end(content, start, first), lines)
    assert found is not None
    return found


def test_the_last_lines_are_kept() -> None:
    assert shown(b"one\ntwo\nthree\n", 2).lines == ["two", "three"]
    assert shown(b"one\ntwo", 2).lines == ["one", "two"]
    assert shown(b"one\n\n", 2).lines == ["one", ""]
    assert shown(b"").lines == []


def test_of_a_file_that_grows_the_line_that_is_still_printed_is_left_out() -> None:
    found = printed(end(b"one\ntwo\nAccountKey=c2Vjc"), 40, grows=True)
    assert found is not None
    assert found.lines == ["one", "two"]
    nothing = printed(end(b"half a li"), 40, grows=True)
    assert nothing is not None
    assert nothing.lines == []


def test_the_first_line_of_a_tail_is_only_half_a_line() -> None:
    assert shown(b"lf a line\nwhole\n", start=100).lines == ["whole"]
    assert shown(b"whole\nlast\n", start=0).lines == ["whole", "last"]


def test_an_endless_line_loses_the_word_that_may_be_half_a_key() -> None:
    assert shown(f"Lq7x%2FVh2mWwz {SECRET} and more".encode(), start=9).lines == ["sig=… and more"]
    assert shown(b"Lq7x%2FVh2mWwz5Yc1RkTn8uJp4sEoXg6iA%3D", start=9).lines == []


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b'ssword":\n  "hunter2horse",\n  "frames": 7\n', ['  "…",', '  "frames": 7']),
        (b"sword: |\n  hunter2horse\nframes: 7\n", ["  …", "frames: 7"]),
        (b"sword =\r\n  hunter2horse\r\nframes=7\r\n", ["  …", "frames=7"]),
        (b"assword = hunter2horse frames=7", ["= … frames=7"]),
        (b'assword":"hunter2 horse","frames":7} end', ["end"]),
        (b"level=error said=nothing", ["said=nothing"]),
        (b"rendered: 7\nframes: 8\n", ["frames: 8"]),
        (b"hello big world", ["big world"]),
        (b"--pass" + b"word \\\n  hunter2horse --frames 7\n", ["  … --frames 7"]),
    ],
)
def test_a_name_that_the_beginning_cuts_hides_its_value_all_the_same(content: bytes, lines: list[str]) -> None:
    assert shown(content, start=100).lines == lines


@pytest.mark.parametrize(
    ("content", "text", "encoding"),
    [
        ("größer 漢字\n".encode(), "größer 漢字", ""),
        (b"\xef\xbb\xbfgr\xc3\xb6\xc3\x9fer\n", "größer", ""),
        ("\ufeffgrößer 漢字\r\n".encode("utf-16-le"), "größer 漢字", "UTF-16"),
        ("\ufeffgrößer 漢字\r\n".encode("utf-16-be"), "größer 漢字", "UTF-16"),
        ("without a mark\r\n".encode("utf-16-le"), "without a mark", "UTF-16"),
        ("without a mark\r\n".encode("utf-16-be"), "without a mark", "UTF-16"),
        ("séquence vérifiée à 0 µs\n".encode("latin-1"), "séquence vérifiée à 0 µs", "Latin-1"),
        ("größer übel, \n".encode() + b"one \xff bad byte", "größer übel, \none \ufffd bad byte", ""),
        ("cut in tw\u00f6".encode()[:-1], "cut in tw", ""),
    ],
)
def test_encodings(content: bytes, text: str, encoding: str) -> None:
    found = shown(content)
    assert (found.text, found.encoding) == (text, encoding)


@pytest.mark.parametrize("cut", range(4))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_tail_may_begin_within_a_character(encoding: str, cut: int) -> None:
    whole = ("\ufeff" + "größer 漢字 👍\n" * 30).encode(encoding)
    found = shown(whole[40 + cut :], start=40 + cut, first=whole[:4])
    assert set(found.lines) == {"größer 漢字 👍"}


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"\x7fELF\x02\x01\x01\x00", bytes(range(1, 32)) * 8, b"v/1\x01\0"],
)
def test_what_is_no_text_is_not_shown(content: bytes) -> None:
    assert printed(end(content), 40) is None


def test_what_a_terminal_obeys_is_taken_out() -> None:
    assert shown(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07bell\x07 null\x08\x7f\n").lines == ["red bell null"]
    assert shown("left \u202eright\u2066 to\n".encode()).lines == ["left right to"]


def test_what_was_written_over_is_gone() -> None:
    assert shown(b"  1 %\r 50 %\r100 %\r\ndone\r\n").lines == ["100 %", "done"]


def test_secrets_are_hidden_before_anything_is_cut() -> None:
    assert shown(f"GET https://a/b?sv=1&{SECRET}\n".encode()).lines == ["GET https://a/b?…"]
    assert shown(f"{'x' * (LONGEST - 20)} AccountKey={'A' * 86}==\n".encode()).lines[0].endswith("AccountKey=…")
    assert shown(f"\x1b[33msig\x1b[0m={SECRET[4:]}\n".encode()).lines == ["sig=…"], "colours do not hide them from us"
    assert shown(f"{SECRET}\n".encode("utf-16-le")).lines == ["sig=…"]


def test_long_lines_are_cut_and_counted() -> None:
    found = shown(b"x" * 12_345 + b"\nshort\n")
    assert found.lines == ["x" * LONGEST + " … 11,845 more characters", "short"]
    assert found.cut == 1


@given(st.binary(max_size=300), st.integers(0, 9), st.integers(1, 5))
def test_any_bytes_are_lines_or_no_text(content: bytes, start: int, lines: int) -> None:
    found = printed(end(content, start, content[:4]), lines)
    assert found is None or (len(found.lines) <= lines and all("\n" not in line for line in found.lines))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=80))
def test_any_text_survives_as_utf8(text: str) -> None:
    assert decoded(text.encode()) == (text.removeprefix("\ufeff"), "")


def test_a_long_line_takes_no_time() -> None:
    assert len(fit("ab" * 500_000)) == 1_000_000


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "words", ["rendering frame 12\r\npassword=Tr0ub4dor&3x\r\n", "größer 漢字 だけの行です。\n" * 4]
)
def test_wide_text_is_text_with_and_without_a_mark(encoding: str, mark: str, words: str) -> None:
    content = (mark + words).encode(encoding)
    assert decoded(content) == (words, encoding[:6].upper())
    assert wide_encoding(content) == encoding
    assert "Tr0ub" not in shown(content).text


@pytest.mark.parametrize(
    "content",
    [
        b"one NUL\0 and password=Tr0ub4dor&3x\n" + b"rendering\n" * 9,
        b"HOME=/root\0LANG=C.UTF-8\0DB_PASSWORD=Tr0ub4dor&3x\0FRAMES=1-120\0",
        "gr\u00f6\u00dfer\0password=Tr0ub4dor&3x and more words than zeros".encode(),
    ],
)
def test_a_few_zeros_make_no_binary(content: bytes) -> None:
    found = decoded(content)
    assert found is not None
    assert "Tr0ub" not in redact(found[0])
    assert "\ufffd" not in found[0]


def test_a_secret_in_readable_parts_of_bytes_is_seen() -> None:
    noise = bytes(random.Random(1).randbytes(5000))
    assert decoded(noise) is None
    assert not secrets_in_bytes(noise)
    assert secrets_in_bytes(noise + b"\0\0\xffpassword=Tr0ub4dor&3x\0\xfe\xff" + noise)
    assert secrets_in_bytes(noise + b"\0\0\xff\xff" + "password=Tr0ub4dor&3x".encode("utf-16-le") + noise)
