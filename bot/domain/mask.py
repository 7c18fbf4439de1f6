"""A line without what differs from one failure to the next, and with what tells two failures apart.

Numbers are folded, for most of them count, time or place something. Some say what went wrong: those after ``Errno``,
``exit``, ``status``, ``HTTP``, ``code``, ``error`` and ``signal``, and HTTP's own with their words. They stay, and so
do names with digits in them where the name is the failure: of a module, a program, a library, a licence's feature.

A mask depends on nothing but the line, so it is the same on every replica and whatever came before. Miners of templates
(drain3 was measured) learn from what arrives, and put "ERROR 404 blob not found" and "ERROR 403 blob access denied"
into one. Quoted words stay, for they mean something more often than not.
"""

from __future__ import annotations

import re
from functools import lru_cache

READ = 2048
"""Characters of a line that are looked at: what is longer is data."""

_NUMBER = r"-?(?:0x[0-9a-f]{1,16}\b|\d{1,10}(?![\w.:]*\d)\b)"
_TERM = (
    r"\b(?:utf-?(?:8|16|32)|x86(?:_64)?|amd64|sha-?\d{1,3}|md5|u?int(?:8|16|32|64)|float(?:16|32|64)|base64|ipv[46]|"
    r"TLS ?v?1\.\d|sm_\d{2,3}|compute_\d{2,3}|h26[45]|mp[34]|win32|log4j2?|s3|ec2|k8s|libc6|python[23])\b"
)
# What is kept, and in lower case a word that every line has in which it is: most lines have few of them.
_KEPT = tuple(
    (words, re.compile(pattern, re.IGNORECASE))
    for words, pattern in (
        # Where the name is the failure; a path before it is left out.
        (
            (": cannot open shared object file", ": command not found"),
            r"(?<![^\s:'\"])(?:[^\s:'\"]{0,200}/)?(?P<name>[^\s:'\"/]{1,120})"
            r"(?=['\"]?: (?:cannot open shared object file|command not found))",
        ),
        ((": not found",), r"(?<![^\s:'\"])(?:[^\s:'\"]{0,200}/)?(?P<name>[^\s:'\"/.]{1,120})(?=['\"]?: not found$)"),
        (("no module named",), r"\bNo module named\s+['\"]?[\w.-]{1,120}"),
        (("cannot import name",), r"\bcannot import name\s+['\"]?\w{1,120}"),
        (("cannot find",), r"\bCannot find (?:module|package)\s+['\"]?(?![./\\])[@\w./-]{1,120}"),
        (
            ("undefined",),
            r"\bundefined (?:symbol|reference to|variable|method|function)[:\s]+[`'\"]?[\w@.:]{1,200}",
        ),
        (("version",), r"\bversion\s+[`'\"][\w.]{1,60}"),
        (
            ("feature", "licen", "checkout of", "package"),
            r"\b(?:feature|licen[cs]e for|checkout of|package)[:=\s]+['\"]?(?=[\w.-]{0,80}[A-Za-z])[\w.-]{1,80}",
        ),
        ((" is not recognized",), r"[\w.-]{1,120}(?=['\"]? is not recognized)"),
        # Where the number is.
        (("http/",), r"\bHTTP/\d(?:\.\d)?[\s:\"]{1,3}\d{3}\b"),
        (
            (
                "exit",
                "returned",
                "code",
                "status",
                "errno",
                "signal",
                "winerr",
                "os error",
                "http",
                "rc",
                "hresu",
                "sqlst",
            ),
            r"\b(?:exit(?:ed)?|returned|[a-z_]{0,20}(?:code|status|errno|signal|winerror)|os error|http|rc|hresult|"
            r"sqlstate)(?:\s(?:with|by|on|status|code|signal|is|was|of|non-zero|error)\b){0,3}[\s:=#(\[]{0,3}['\"]?"
            + _NUMBER,
        ),
        (
            ("error",),
            r"\berror(?:[\s#=(\[]{1,3}(?:0x[0-9a-f]{1,16}\b|(?:[a-z]{1,8}-?)?-?\d{1,10}\b(?![.:]?\d|\sof\b))|"
            r"\s?:\s{0,2}(?:[1-5]\d\d\b|[a-z]{1,8}-?\d{1,6}\b|-?\d{1,10}(?=\s*(?:$|[,;:)\]]))))",
        ),
        (
            ("failed", "refused", "rejected", "received", "got", "respon", "answered", "with"),
            r"\b(?:failed|refused|rejected|received|got|response|responded|answered|with)\W{1,3}[45]\d\d\b"
            r"(?!\s*(?:of|%|[a-z]+s)\b)",
        ),
        # HTTP's own, with their words or alone in brackets or at the end; codes with letters before a colon.
        (
            (),
            r"\b[1-5]\d\d(?=[\s:,-]{1,3}(?:Not Found|Forbidden|Unauthori[sz]ed|Bad |Conflict|Gone|Internal|Service|"
            r"Gateway|Too |Precondition|Server|Client|Method|Request|Payload|Range|Proxy|Moved|Length|Payment|"
            r"Unprocessable)\b)|\([45]\d\d\)|(?<=:\s)[45]\d\d$",
        ),
        ((":",), r"\b(?:ORA|TNS|AADSTS|LNK|MSB|NETSDK|CVE|CS|TS|NU|E|C)-?\d{3,6}(?=:)"),
        # Words that have digits in them.
        (
            (
                "utf",
                "x86",
                "amd64",
                "sha",
                "md5",
                "int",
                "float",
                "64",
                "ipv",
                "tls",
                "sm_",
                "compute_",
                "h26",
                "mp",
                "win32",
                "log4",
                "s3",
                "ec2",
                "k8s",
                "libc",
                "python",
            ),
            _TERM,
        ),
        (("error", "exception"), r"\b[a-z_][a-z_.]{0,80}\d[\w.]{0,80}(?:Error|Exception)\b"),
        (("sig",), r"\bSIG[A-Z]{2,6}\d\b"),
    )
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://[^\s\"'<>]+", re.IGNORECASE)

# What differs, the most special first.
_FOLDS = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}\b"), "<email>"),
    (
        re.compile(r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"),
        "<time>",
    ),
    (re.compile(r"\btvm[ps]?s?-[\w-]+|\btvmps_[0-9a-f]+_[dp]\b", re.IGNORECASE), "<node>"),
    (re.compile(r"(?<![\w.])[a-z]:\\[^\s\"'<>|:;,]+", re.IGNORECASE), "<path>"),
    (re.compile(r"(?<![\w.<])(?:\.{1,2}|~)?/[^\s\"'<>|:;,()]+"), "<path>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<n>"),
    (re.compile(r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![A-Za-z\d])\d+(?:[.,:]\d+)*"), "<n>"),
    (re.compile(r"\d+"), "<n>"),
)
_SPACE = re.compile(r"\s+")
_DIFFERS = re.compile(r"[\d/\\:@]")
_FIRST = 0xE000
"""Letters of Unicode's private use stand for what is kept, while the rest is folded."""
_MOST = 200
_PRIVATE = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + _MOST)}]")


@lru_cache(maxsize=4096)
def masked(line: str) -> str:
    """A line without numbers, ids, times, paths and addresses, but with those that say what went wrong.

    What is folded shows as ``<n>``, ``<id>``, ``<path>`` and so on. Two lines of one cause give the same text.
    """
    line = _SPACE.sub(" ", line[:READ]).strip()
    if not _DIFFERS.search(line):
        return line
    line = _PRIVATE.sub(" ", line)
    if "://" in line:
        line = _URL.sub("<url>", line)
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        if len(kept) >= _MOST:
            return found[0]
        kept.append(found.groupdict().get("name") or found[0])
        return chr(_FIRST + len(kept) - 1)

    lowered = line.lower()
    for words, pattern in _KEPT:
        if not words or any(word in lowered for word in words):
            line = pattern.sub(keep, line)
    for pattern, instead in _FOLDS:
        line = pattern.sub(instead, line)

    def back(found: re.Match[str]) -> str:
        """What stood there, in which something that was kept before may stand."""
        return _PRIVATE.sub(back, kept[ord(found[0]) - _FIRST])

    return _PRIVATE.sub(back, line)
