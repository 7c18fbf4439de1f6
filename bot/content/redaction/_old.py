"""Takes secrets out of text before it leaves the bot: what tasks print, what Azure reports, and the bot's own log.

Better to hide a word too many than a key too few; yet hashes, ids, thumbprints and pictures stay, because people search
for them. What is hidden is always its value alone, so that a reader sees that something stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.content.redaction.names import is_secret

HIDDEN = "…"

# Names after which a value is a secret, however they are spelled before that (DB_PASSWORD, --sas-token, accountKey).
_PASSWORDS = r"password|passwd|passphrase|passwort|kennwort|secret|client_?secret|shared_?access_?signature"
_KEYS = (
    r"(?:account|access|shared|sharedaccess|storage|batch|secret|api|private|master|primary|secondary|function|host"
    r"|instrumentation|subscription|signing|encryption)[_-]?key"
    r"|(?:access|refresh|auth|authentication|authorization|identity|id|sas|bearer|session|security|personal|csrf|bot|app"
    r"|api|git|github|slack|hf|registry|npm|pypi)[_-]?token"
    r"|(?<![a-z])sas"
)
_NAMED = ("pass", "secret", "kennwort", "signature", "key", "token", "sas")
# Not secrets though they stand in a secret's place: variables, placeholders, words for nothing.
_NOTHING = (
    r"(?!\$[A-Za-z_{(]|%\w+%|<|\*{2,}|…|\.{3}|(?:none|null|nil|true|false|undefined|redacted|yes|no|required|empty|and|or"
    r"|is|was|for|must|not|expired)(?![^\s\"',;&]))"
)
_VALUE = r"(?:\"(?:[^\"\\\n]|\\.)+|'(?:[^'\\\n]|\\.)+|\\+\"[^\"\\\n]+|[^\s\"',;&<>\\]+)"
_SECRETIVE = r"(?=[^\s\"',;&<>]{8})(?=[^\s\"',;&<>]*\d|[^\s\"',;&<>]{16})"
_SIG = r"sig(?:=|%3d|%253d)"


def _rule(pattern: str, *hints: str, cased: bool = False) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """A pattern whose groups stay and whose rest is hidden; it is run where one of the ``hints`` (lower case) is."""
    return hints, re.compile(pattern, re.NOFLAG if cased else re.IGNORECASE)


_RULES = (
    # The whole query of an address that carries a signature: permissions and expiry belong to the secret.
    _rule(
        rf"(\?)(?=(?:[^\s\"'<>?]{{0,4000}}?(?:[&;]|%26|u0026))?{_SIG})(?:[^\s\"'<>]*[\w%=+/-])",
        "sig",
    ),
    _rule(rf"((?:[&;]|%26|%2526|u0026){_SIG})[^\s\"'<>&;]+", "sig"),
    _rule(rf"((?<![a-z0-9_]){_SIG})[a-z0-9%+/=_-]{{20,}}", "sig"),
    _rule(r"(x-(?:amz|goog)-signature(?:=|%3d)|[?&]code=)[a-z0-9%_+/=-]{40,}", "signature", "code="),
    # Who is who: authorization headers and tokens that say what they are.
    _rule(r"(\bbearer\s+)(?=[\w.~+/=-]*\d)[\w.~+/=-]{12,}", "bearer"),
    _rule(r"(\bsharedkey(?:lite)?\s+[\w-]+:)[a-z0-9+/=]{20,}", "sharedkey"),
    _rule(
        r"(authorization\\*[\"']?\s*[:=]\s*\\*[\"']?(?:basic|digest|token|negotiate|ntlm|apikey)\s+)[^\s\"'\\]{6,}",
        "authorization",
    ),
    _rule(r"(\bAZ_BATCH_AUTHENTICATION_TOKEN=)[^\r\n]+", "az_batch_authentication_token"),
    _rule(r"(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*", "eyj", cased=True),
    _rule(r"(?<![a-z0-9])(xox[a-z](?:\.xox[a-z])?-|xapp-)[\w-]{8,}", "xox", "xapp-"),
    _rule(r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[\w/-]+", "hooks.slack.com"),
    _rule(r"(\.webhook\.office\.com/webhookb2/)[^\s\"'<>]+", ".webhook.office.com"),
    _rule(
        r"(?<![a-z0-9])(gh[pousr]_|github_pat_|glpat-|hf_|npm_|pypi-)[\w-]{20,}", "gh", "glpat", "hf_", "npm_", "pypi-"
    ),
    _rule(r"(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{31,34}(?![\w~.-])", "q~", cased=True),  # a client secret of Entra ID
    # 64 bytes in base64 are a storage or Batch key, unless something says that they are a SHA-512.
    _rule(r"(?<![A-Za-z0-9+/])(?<!sha512[-:=])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])", "==", cased=True),
    _rule(r"(?<![a-z0-9%+/])(?:[a-z0-9]|%2[bf]){86}%3d%3d", "%3d%3d"),
    # Passwords: in addresses, in options, in settings, in JSON, in XML.
    _rule(r"(://[^\s/?#:@\"'<>]*:)[^\s/\"'<>]+(@)", "://"),
    _rule(
        r"(\b(?:az\s+login|docker\s+login|podman\s+login|sshpass|azcopy\s+login)\b[^\n]{0,500}?\s-p\s*)[^\s-]\S*",
        "login",
        "sshpass",
    ),
    _rule(r"(\bcurl\b[^\n]{0,500}?\s(?:-u|--user)\s+[^\s:]+:)\S+", "curl"),
    _rule(
        rf"((?<![\w-])--?(?:[a-z0-9]+[_-]){{0,5}}(?:{_PASSWORDS}|{_KEYS}|token)[ \t]+){_NOTHING}(?!-){_VALUE}", *_NAMED
    ),
    _rule(
        rf"((?:{_PASSWORDS})\d?\\*[\"']?\s*[=:]=?[ \t]*){_NOTHING}{_VALUE}", "pass", "secret", "kennwort", "signature"
    ),
    _rule(rf"(\bpwd=)(?![/~.])(?![a-z]:\\){_NOTHING}{_VALUE}", "pwd="),  # not the working directory
    _rule(
        rf"((?:{_KEYS})\d?\\*[\"']?\s*[=:]=?[ \t]*\\*[\"']?){_NOTHING}{_SECRETIVE}{_VALUE}",
        *_NAMED,
    ),
    _rule(
        rf"(\btoken\\*[\"']?\s*[=:][ \t]*\\*[\"']?){_NOTHING}(?=[^\s\"',;&<>]{{12}}){_SECRETIVE}(?=\S*[a-z]){_VALUE}",
        "token",
    ),
    _rule(rf"(<[\w:]{{0,40}}?(?:{_PASSWORDS}|{_KEYS})[^<>]{{0,200}}>)[^<]+(?=</)", "</"),
    _rule(
        rf"(\"name\"\s*:\s*\"[^\"\n]{{0,100}}(?:{_PASSWORDS}|{_KEYS}|token)[^\"\n]{{0,20}}\"\s*,\s*\"value\"\s*:\s*\")"
        r"(?:[^\"\\]|\\.)+",
        '"name"',
    ),
)

_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:\s|\\[nr]|[\w-]{1,20}: [^\n]{0,200}|[A-Za-z0-9+/=]{16,})*"
    r"(?:[A-Za-z0-9+/=]{1,16}(?:\s|\\[nr])*(?=-----END))?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{1,100}\r?|[\w-]{1,20}: [^\n]{0,200}\r?|\s*")

_CHUNK = 1 << 13
"""Characters that are searched in one go: few enough that most pieces of a log hold no hint of any secret."""
_ENDLESS = 1 << 17
"""Characters of one word that are kept together."""


def redact(text: str) -> str:
    """``text`` with every secret's value replaced by ``…``.

    Its time grows with the length of the text, whatever stands in it. For megabytes, call it in a thread.
    """
    if "PRIVATE KEY" in text:
        text = _without_private_keys(text)
    if len(text) <= _CHUNK:
        return _without_values(text)
    return "".join(map(_without_values, _chunks(text)))


def without_secrets(pairs: Mapping[str, str], longest: int | None = None) -> dict[str, str]:
    """Names and values, such as a pool's metadata, without what is a secret by its name or looks like one.

    No more than ``longest`` characters of each are kept.
    """
    return {
        redact(name)[:longest]: HIDDEN if value and is_secret(name) else redact(value)[:longest]
        for name, value in pairs.items()
    }


def _without_values(text: str) -> str:
    lowered = text.lower()
    for hints, pattern in _RULES:
        if any(hint in lowered for hint in hints):
            text = pattern.sub(_kept, text)
    return text


def _kept(found: re.Match[str]) -> str:
    """The first group, ``…`` for what followed, the quote that opened it, and a second group."""
    groups = found.groups()
    if not groups:
        return HIDDEN
    before, *after = groups
    rest = found.group()[len(before) :]
    quote = re.match(r"\\*[\"']", rest)
    return before + (quote.group() if quote else "") + HIDDEN + "".join(after)


def _without_private_keys(text: str) -> str:
    """Whole blocks, and those of which a tail shows only the end."""
    text = _KEY_BLOCK.sub(HIDDEN, text)
    kept: list[str] = []
    start = 0
    for end in _KEY_END.finditer(text):
        lines = text[start : end.start()].split("\n")
        while len(lines) > 1 and _KEY_LINE.fullmatch(lines[-1]):
            lines.pop()
        if len(lines) == 1 and _KEY_LINE.fullmatch(lines[0]):
            lines.pop()
        kept += ["\n".join([*lines, HIDDEN])]
        start = end.end()
    return "".join([*kept, text[start:]])


def _chunks(text: str) -> Iterator[str]:
    """Pieces of about :data:`_CHUNK` characters that end between lines, or where a line is longer, between words."""
    start = 0
    while start < len(text):
        end = start + _CHUNK
        if end < len(text):
            end = _end_of_line(text, start, end) or _end_of_word(text, start, end)
        yield text[start:end]
        start = end


def _end_of_line(text: str, start: int, end: int) -> int:
    """The place behind the last line that ends here and does not go on in the next one; 0 where there is none."""
    while (cut := text.rfind("\n", start, end) + 1) and '"name"' in text[text.rfind("\n", start, cut - 1) + 1 : cut]:
        end = cut - 1
    return cut


def _end_of_word(text: str, start: int, end: int) -> int:
    gap = _GAP.search(text, end, start + _ENDLESS)
    return gap.end() if gap else min(start + _ENDLESS, len(text))


_GAP = re.compile(r"\s")
