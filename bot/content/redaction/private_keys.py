"""Private keys over several lines (PEM, PGP, SSH2, PuTTY), also where each line is led by a time or a name."""

from __future__ import annotations

import re
import string
from bisect import bisect
from collections.abc import Iterator

Span = tuple[int, int]

_WHOSE = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?"
BEGIN = re.compile(rf"-{{4,5}} ?BEGIN {_WHOSE} ?-{{4,5}}|PuTTY-User-Key-File-\d: |Private-Lines: \d+")
END = re.compile(rf"-{{4,5}} ?END {_WHOSE} ?-{{4,5}}|Private-MAC: [0-9a-f]+")
_LAST_WORD = re.compile(r"(?:[A-Za-z0-9+/=]{1,100})\Z")
_HEADER = re.compile(r"[A-Za-z][\w-]{1,30}: \S.{0,200}\Z")
_TRAILING = "\r\n\t \"',;\\"
_BASE64_AND_SPACE = string.ascii_letters + string.digits + "+/=\\ \t\r"
_LONGEST_PREFIX = 300
_DIGIT = re.compile(r"\d")
_ESCAPED = re.compile(r"(?:\\{1,4}[nr]|[A-Za-z0-9+/=\s]|\\{1,4}u000[ad]|%0[AaDd]|\\{1,4}/)*+", re.IGNORECASE)


def may_follow(prefix: str, line: str, following: str) -> bool:  # noqa: PLR0911 - a line for each form
    """Whether ``following`` goes on with the key of which ``line`` is a line; ``prefix`` stood before its beginning."""
    bare = following.rstrip(_TRAILING)
    if not bare:
        return bool(prefix) or not line.strip() or len(line) < 100
    if END.search(bare):
        return True
    if prefix and len(bare) >= len(prefix) and _same(bare[: len(prefix)], prefix):
        rest = bare[len(prefix) :]
        return not rest.strip() or bool(_LAST_WORD.fullmatch(rest)) or bool(_HEADER.match(rest))
    if not prefix and _HEADER.match(bare) and _headed(line):
        return True
    word = bare.rsplit(None, 1)[-1].lstrip("\"'>|")
    if len(word) > 100 or not _LAST_WORD.fullmatch(word):
        return False
    if len(word) >= 16:
        return True
    before = line.rstrip(_TRAILING)
    last = before.rsplit(None, 1)[-1] if before else ""
    return (
        len(last) >= 40
        and len(bare) <= len(before)
        and (bare == word or len(bare) - len(word) >= len(before) - len(last) - 2)
    )


def _same(one: str, other: str) -> bool:
    return _DIGIT.sub("0", one) == _DIGIT.sub("0", other) or not other.strip()


def _headed(line: str) -> bool:
    return bool(BEGIN.search(line)) or bool(_HEADER.match(line.strip()))


def private_keys(text: str) -> Iterator[Span]:
    """Where keys are: whole, without their end, and those of which a tail shows only the end."""
    if "PRIVATE KEY" not in text and "Private-" not in text:
        return
    covered = 0
    feeds = [found.start() for found in re.finditer("\n", text)]
    ends = [*END.finditer(text)]
    starts = [end.start() for end in ends]
    for begin in BEGIN.finditer(text):
        if begin.start() < covered:
            continue
        at = bisect(starts, begin.start())
        covered = _end_of(text, begin, feeds, ends[at] if at < len(ends) else None)
        yield begin.start(), covered
    for end in ends:
        if end.start() >= covered:
            yield _start_of(text, covered, end), end.end()
            covered = end.end()


def _end_of(text: str, begin: re.Match[str], feeds: list[int], end: re.Match[str] | None) -> int:
    at = bisect(feeds, begin.start())
    line_start = feeds[at - 1] + 1 if at else 0
    line_end = feeds[at] if at < len(feeds) else len(text)
    prefix = text[max(line_start, begin.start() - _LONGEST_PREFIX) : begin.start()]
    if end and end.end() <= line_end:  # in one line, its line feeds written out
        return end.end()
    inside = _ESCAPED.match(text, begin.end(), line_end)
    at = inside.end() if inside else begin.end()
    if text[at : min(line_end, at + _LONGEST_PREFIX)].strip(_TRAILING):
        return at  # something else goes on in this line
    line = text[begin.start() : line_end]
    reached = at
    while line_end < len(text):
        after = _line(text, line_end + 1)
        following = text[line_end + 1 : after]
        if end := END.search(following):
            return line_end + 1 + end.end()
        if not may_follow(prefix, line, following):
            break
        if following.strip():
            reached = line_end + 1 + len(following.rstrip(_TRAILING))
        line, line_end = following, after
    return reached


def _start_of(text: str, floor: int, end: re.Match[str]) -> int:
    """Back over lines that may be of the key; the first of them keeps what stands before it."""
    line_start = text.rfind("\n", floor, end.start()) + 1 or floor
    before = text[line_start : end.start()]
    prefix = before if not re.search(r"[A-Za-z0-9+/=]{16,}(?:\\n|\s)*\Z", before) else ""
    if before.strip() and not prefix:
        return line_start + len(before.rstrip(_BASE64_AND_SPACE))
    start = end.start()
    while line_start > floor:
        above = text.rfind("\n", floor, line_start - 1) + 1 or floor
        line = text[above : line_start - 1].rstrip(_TRAILING)
        rest = line[len(prefix) :] if prefix and _same(line[: len(prefix)], prefix) else line.lstrip()
        if not (re.fullmatch(r"[A-Za-z0-9+/=]{1,100}|", rest) or _HEADER.match(rest)):
            break
        if rest:
            start = above + len(line) - len(rest)
        line_start = above
    return start


def _line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
