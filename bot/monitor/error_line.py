"""Which line of what a program printed says best why it failed.

Programs say a lot when they fail, and the last line is often not the reason: a stack trace ends with a frame, a shell
with a notice, a compiler with a count. So every line is weighed by its form, and of the heaviest the last is
taken, because what came before it may have been coped with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

LONGEST = 400
"""Characters of a line. Whoever shows it cuts it: a mask wants all of it, since where a line is cut may differ."""
_READ = 400
"""Characters of a line that are weighed."""

_REASON, _END, _TROUBLE, _HINT = 4, 3, 2, 1

_TIME = re.compile(
    r"^\W{0,2}(?:\d{4}[-/.]\d\d[-/.]\d\d[T ]?)?(?:\d{1,2}:\d\d:\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?\W{0,2}\s+(?=\S)"
)
_TREE = re.compile(r"^[ \t]*(?:[|+](?:-+[ \t])?[ \t]*)*")  # exception groups of Python are drawn as trees
_TRACE = re.compile(r"Traceback \(most recent call last\)")
_PYTHON_FRAME = re.compile(r"^\s*File \"[^\"]+\", line \d+")
_FRAME = re.compile(r"^\s+(?:at\s+\S|from\s+\S+:\d+:in\b)|^\s*--- End of ")
_LAST_FRAMES = re.compile(r"^\s*\.\.\. \d+ (?:more|common frames)")
_MARKS = ("Traceback", 'File "', " at ", "\tat ", " from ", "\tfrom ", "--- End of ")
"""One of these is in every text with a stack trace, of Rust too (``panicked at``)."""
_NAMED = re.compile(r"\b[\w.$]*(?:Error|Exception)\b")
_MESSAGE = 8
"""Lines that the message of an error may have above its stack trace."""
_OF_CAUSE = re.compile(r"^\s*(?:Caused by:|--->)\s*")

_REASONS = re.compile(
    r"""out\ of\ memory | \bbad_alloc\b | \bOOM\b | \boom-?kill | not\ enough\ (?:memory|space|storage)
    | cannot\ allocate\ memory | (?:no|not\ enough|insufficient)\ (?:disk\ )?space | disk\ (?:is\ )?full
    | quota\ exceeded | segmentation\ fault | access\ violation | bus\ error | illegal\ instruction
    | stack\ (?:overflow|smashing) | floating\ point\ exception | heap\ corruption | \bwhat\(\): | \bpanic:
    | (?-i:^[\w.$:]*(?:Error|Exception|Fault|Interrupt)\b)(?:\s\[[^\]]*\])?(?::\s|$)
    | (?-i:\((?:[A-Z]\w*::)*[A-Z]\w*Error\)$)
    | ^Exception\ in\ thread\b | ^Unhandled\ [Ee]xception\b | ^Uncaught\b""",
    re.IGNORECASE | re.VERBOSE,
)
_ENDS = re.compile(
    r"""command\ not\ found | is\ not\ recognized\ as | permission\ denied | access\ (?:is\ |was\ )?denied
    | \bfatal\b | \bpanicked\b | \bterminate\ called | \bundefined\ (?:reference|symbol|variable|method)
    | no\ such\ file | cannot\ (?:find|open|access|execute) | could\ not\ (?:find|open|connect|load|get|be\ \w+)
    | cannot\ (?:be\ )?(?:read|written|write|locate|load|convert|connect) | can't\ (?:open|locate|find)
    | connection\ (?:refused|reset|timed\ out) | \berror(?:\ [A-Z]{0,4}\d+)?\s?: | ^E:\s | ^error\b | \bsevere\b
    | (?-i:\bERROR\b|\bCRITICAL\b) | \bassert(?:ion)?\b.*\bfail | \bSIG(?:SEGV|KILL|ABRT|BUS|FPE|ILL|TERM)\b
    | \bKilled\b | \bAborted\b | \btimed?\ ?out\b | \bunauthori[sz]ed\b | \bforbidden\b | \bexpired\b""",
    re.IGNORECASE | re.VERBOSE,
)
_TROUBLES = re.compile(
    r"error|exception|fail(?:ed|ure|s)?\b|fatal|abort|denied|cannot|can't|could not|couldn't|not found|unable|invalid|"
    r"missing|no such|refused|unknown|illegal|unexpected|not recognized|not permitted|not exist",
    re.IGNORECASE,
)
# One of these is in every line that any of the three above finds: looking for them is twenty times as quick.
_WORDS = (
    "error", "fail", "exception", "fault", "interrupt", "fatal", "abort", "assert", "cannot", "can't", "couldn't",
    "not ", "memory", "alloc", "oom", "space", "full", "quota", "segmentation", "violation", "illegal", "stack",
    "corruption", "what()", "panic", "unhandled", "uncaught", "denied", "terminate", "undefined", "no such", "unable",
    "invalid", "missing", "refused", "unknown", "unexpected", "connection", "e: ", "severe", "critical", "sig",
    "killed", "timed", "timeout", "time out", "unauthori", "forbidden", "expired",
)  # fmt: skip
_SIZE = re.compile(r"[1-9]\d*")
# What has the form of trouble and is none, or only counts it, points at it, or says how to get help.
_HARMLESS = re.compile(
    r"""\b(?:no|0|without|zero)\ (?:errors?|failures?|warnings?)\b | \berrors?\s?[:=]\s?0\b | \b0\ failed\b
    | \bstd(?:\.|\ )error | error\ rate | \bon\ error\b | ^\s*\d+\ (?:error|warning|Error|Warning)\(?s?\)?
    | ^\s*[+~^|\s-]+$ | ^\s*\+\s | ^\s*At\ (?:line|\S+\.ps1):\d | ^note:\ | ^hint: | ^See\ | ^For\ more\ information
    | ^Node\.js\ v\d | ^\s*\d+\s*\| | \[\s*\d+\]\s\S*(?:/|lib)\S+\.so""",
    re.IGNORECASE | re.VERBOSE,
)
_LEVEL = re.compile(
    r"\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|\w*Warning)\b[\]:]?|\bwarning\b|\bdeprecat|\bretry(?:ing)?\b", re.I
)
# A shell's or a builder's word about what it ran: the program itself knows better.
_ABOUT = re.compile(
    r"""\bline\ \d+:\s+\d+\ \w | ^make(?:\[\d+\])?: | ^\S*(?:mpirun|srun|slurmstepd)\b | ^npm\ ERR!
    | exit(?:ed)?\W+(?:status|code)\b | \bcore\ dumped\b | non-?zero | \bMPI_ABORT\b | Execution\ halted
    | not\ recoverable | command\ terminated | Signal\ code:""",
    re.IGNORECASE | re.VERBOSE,
)


def key_line(lines: Sequence[str]) -> str:
    """The line that says most about a failure, at most :data:`LONGEST` characters; empty where all lines are.

    First of all the line that a stack trace is about, exhaustion and crashes; then what speaks of errors; then what a
    shell says about a program that it ran; and where nothing speaks of trouble the last line.
    """
    heaviest, found = -2, ""
    for line, weight in _weighed(lines):
        if weight > heaviest:
            heaviest, found = weight, line
        if heaviest == _REASON:
            break
    return found if len(found) <= LONGEST else found[: LONGEST - 1].rstrip() + "…"


def _weighed(lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Lines that are not empty, the last first, without their time, and how much each says."""
    short = [line[:_READ] for line in lines]
    reasons = _of_traces(short)
    for index in range(len(short) - 1, -1, -1):
        raw = short[index]
        line = _bare(raw)
        if not line:
            continue
        if index in reasons:
            yield line, _REASON
        elif _FRAME.match(raw) or _LAST_FRAMES.match(raw) or _PYTHON_FRAME.match(_TREE.sub("", raw)):
            yield line, -1
        else:
            yield line, _weight(line)


def _bare(line: str) -> str:
    line = _TIME.sub("", _TREE.sub("", line))
    return " ".join(_OF_CAUSE.sub("", line).split())


def _weight(line: str) -> int:
    return _weight_of_shape(_SIZE.sub("1", line))


@lru_cache(maxsize=4096)
def _weight_of_shape(line: str) -> int:
    """The weight of a line in which every number but zero is 1, so that the next of its kind is known already."""
    lowered = line.lower()
    return _weight_of_form(line) if any(word in lowered for word in _WORDS) else 0


def _weight_of_form(line: str) -> int:
    if _REASONS.search(line):
        weight, about = _REASON, _TROUBLE
    elif _ENDS.search(line):
        weight, about = _END, _TROUBLE
    elif _TROUBLES.search(line):
        weight, about = _TROUBLE, _HINT
    else:
        return 0
    if _HARMLESS.search(line):
        return 0
    if _LEVEL.search(line):
        return _HINT
    return about if _ABOUT.search(line) else weight


def _of_traces(lines: Sequence[str]) -> set[int]:
    """The places of the lines that stack traces are about.

    In Python such a line follows the frames, in Java, .NET, JavaScript and Ruby they follow it. Rust says where it
    panicked in a line that ends with a colon, and why in the next.
    """
    found: set[int] = set()
    text = "\n".join(lines)
    if not any(mark in text for mark in _MARKS):
        return found
    in_python = False
    for index, raw in enumerate(lines):
        line = _TREE.sub("", raw)
        if _TRACE.search(line) or _PYTHON_FRAME.match(line):
            in_python = True
        elif in_python and line and (line == raw or raw.lstrip()[:1] in ("|", "+")) and not _is_drawn(raw):
            found.add(index)
            in_python = False
        if index and _FRAME.match(raw) and not _FRAME.match(lines[index - 1]):
            found.add(_above(lines, index))
        if index and "panicked at " in lines[index - 1] and lines[index - 1].rstrip().endswith(":") and line:
            found.add(index)
    return found


def _above(lines: Sequence[str], frame: int) -> int:
    """The place of the line that names the error above its first frame; its message may have several lines."""
    for index in range(frame - 1, max(-1, frame - _MESSAGE - 1), -1):
        if _FRAME.match(lines[index]) or not lines[index].strip():
            break
        if _NAMED.search(lines[index]):
            return index
    return frame - 1


def _is_drawn(line: str) -> bool:
    """Whether a line of an exception group is one of its frames or their code, which stand further right."""
    return bool(re.match(r"^[ \t]*[|+]-*[ \t]{2,}", line))
