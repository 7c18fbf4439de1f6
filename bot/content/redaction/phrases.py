"""Secrets in sentences, statements and files of a form of their own. Each pattern's last group is the secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.content.redaction.values import LOOKED_AT, is_nothing, is_number, is_path, looks_secret

Span = tuple[int, int]


class Phrase(NamedTuple):
    """An id, words of which one stands in the text (lower case), a pattern, and whether the value must look secret."""

    id: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    judged: bool = False


def _phrase(name: str, hints: str, pattern: str, *, judged: bool = False) -> Phrase:
    return Phrase(name, tuple(hints.split("|")), re.compile(pattern, re.IGNORECASE | re.MULTILINE), judged)


_NOUN = (
    r"(?:password|passphrase|passwd|passcode|pwd|pass|secret(?: key)?|(?:api|access|account|auth(?:entication)?|bearer|sas|secret|storage|private"
    r"|license|master|signing|encryption|subscription|primary|secondary|session|refresh|client|bot|personal access)[ -]?(?:key|token|secret)|token"
    r"|connection string|credentials?|pin|otp|kennwort|passwort)"
)
_QUOTED = r"(?:\"([^\"\n]{1,500}+)\"|'([^'\n]{1,500}+)'|`([^`\n]{1,500}+)`|([^\s\"'`][^\s]{0,500}+))"
_BEARER = r"[\w.~+/=-]"
_MIXED = (
    rf"(?={_BEARER}{{0,200}}[.=]|(?={_BEARER}{{0,200}}\d){_BEARER}{{0,200}}(?-i:[A-Z])"
    rf"|(?:(?!\d){_BEARER}){{0,200}}+\d(?:(?![a-z]){_BEARER}){{0,200}}+[a-z](?:(?!\d){_BEARER}){{0,200}}+\d)"
)
"""Before a token: it has a dot or an equals sign, a figure and a capital, or a letter between figures. No part of it is
looked at for each part before it."""

_PHRASES = (
    _phrase("identified", "identified", r"\bidentified[ \t]+(?:with[ \t]+\S{1,60}[ \t]+)?(?:by|as)[ \t]+(?:password[ \t]+)?" + _QUOTED),
    _phrase("sql", "password", r"\bpassword(?:[ \t]*=[ \t]*|[ \t]+|[ \t]*[(][ \t]*)N?(?:'((?:[^'\n]|'')+)'|\"([^\"\n]+)\")"),
    _phrase("sql-secret", "secret", r"\bsecret[ \t]*=[ \t]*N?'([^'\n]+)'"),
    _phrase("sql-set", "set password", r"\bset[ \t]+password[ \t]+for[ \t]+[^=\n]{1,120}=[ \t]*+(?:password[ \t]*+\([ \t]*+)?'([^'\n]+)'"),
    _phrase("unseal", "unseal key|recovery key|root token", r"\b(?:(?:unseal|recovery) key|root token)(?: \d+)?[ \t]*[:=][ \t]*(\S{8,})"),
    _phrase("secure-string", "securestring", r"securestring[ \t(]+(?:-string[ \t]+)?" + _QUOTED),
    _phrase("credential", "credential", r"credentials?[(][ \t]*[\"'][^\"'\n]{1,100}[\"'][ \t]*,[ \t]*[\"']([^\"'\n]+)"),
    _phrase("pair", "auth|login|cred|basic", r"\b(?:auth|basicauth|httpbasicauth|login|credentials|authenticate)[ \t]*+[=(:][ \t]*+(?:[(\[][ \t]*+)?[bu]?[\"'][^\"'\n]{1,100}[\"'][ \t]*,[ \t]*[bu]?[\"']([^\"'\n]{3,500})[\"']"),
    _phrase("netrc", "machine|login|default", r"\b(?:machine[ \t]+\S{1,200}\s+)?login\s+\S{1,200}\s+password\s+(\S+)"),
    _phrase("netrc-line", "password", r"^[ \t]*password[ \t]+(\S+)[ \t]*\r?$"),
    _phrase("pgpass", ":", r"^[ \t]*(?:[\w.*-]{1,200}|\[[0-9a-f:]+\]):(?:\d{2,5}|\*):[\w.*-]{1,100}:[\w.*@-]{1,100}:([^\r\n]+)$"),
    _phrase("shadow", "$", r"^[\w.-]{1,60}:(\$[\w-]{1,12}\$[^\s:]{12,})"),
    _phrase("htpasswd", ":{", r"^[\w.@-]{1,60}:(\{(?:SHA|SSHA|MD5|CRYPT)\}\S+)"),
    _phrase("ldap-hash", "{", r"(\{(?:S?SHA(?:256|512)?|S?MD5|CRYPT)\}[A-Za-z0-9+/=$.]{16,})"),
    _phrase("bearer", "bearer", r"\bbearer(?:[ \t]+|%20|\+)(?![a-z_]{2,30}=\S)" + _MIXED + r"([\w.~+/=-]{12,})"),
    _phrase("sharedkey", "sharedkey", r"\bsharedkey(?:lite)?\s+[\w-]+:([a-z0-9+/=]{20,})"),
    _phrase("basic", "basic", r"\bbasic[ \t]+([A-Za-z0-9+/]{8,}={0,2})(?![\w])", judged=True),
    _phrase("ssws", "ssws", r"\bssws[ \t]+([\w-]{12,})"),
    _phrase("digest", "response=", r"\bdigest[ \t][^\n]{0,600}?\bresponse=\"?([0-9a-f]{32})"),
    _phrase("aws4", "signature=", r"\bsignature=([0-9a-f]{64})"),
    _phrase("netscape", "\t", r"^(?:#HttpOnly_)?[\w.-]{3,200}\t(?:TRUE|FALSE)\t\S{1,500}\t(?:TRUE|FALSE)\t\d{1,15}\t[^\t\n]{1,200}\t([^\s]{6,})"),
    _phrase("cookie-option", "cookie|curl", r"(?:--cookie|--cookie-jar|\s-b)[ =]+[\"']?[\w.-]{1,100}=([^;\s\"']{6,})"),
    _phrase("az-token", "az_batch_authentication_token", r"AZ_BATCH_AUTHENTICATION_TOKEN=([^\r\n]+)"),
    _phrase("requirepass", "requirepass|masterauth|auth ", r"^[ \t]*(?:requirepass|masterauth|(?:config set (?:requirepass|masterauth)))[ \t]+(\S+)"),
    _phrase("redis-auth", "auth", r"(?:^|[>\"\s])AUTH[ \t]+(?:[\w.-]{1,40}[ \t]+)?[\"']?([^\s\"']{6,})[\"']?[ \t]*\r?$", judged=True),
    _phrase("imap", "login", r"\bLOGIN[ \t]+\"?[\w.@-]{3,100}\"?[ \t]+\"?([^\s\"]{4,})\"?[ \t]*\r?$", judged=True),
    _phrase("ftp", "pass", r"^(?:[>\s]|--->|C:)*+PASS[ \t]+([^\s:=]{4,})[ \t]*\r?$", judged=True),
    _phrase("psk", "psk", r"\bpsk=\"?([^\s\"]{8,})"),
    _phrase("prompt", "password for|passphrase for", r"\b(?:password|passphrase) for [^:\n]{1,100}:[ \t]*(\S{4,})", judged=True),
    _phrase("heroku", "heroku", r"heroku[^\n]{0,80}?([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"),
    _phrase("jdbc", "jdbc:", r"jdbc:oracle:\w{1,10}:[\w.-]{1,60}/([^@\s\"']{1,200})@"),
    _phrase("oracle", "sqlplus|exp|imp", r"\b(?:sqlplus|expdp|impdp|sqlldr|rman)[ \t]+(?:-\S{1,60}[ \t]+){0,9}[\w.$-]{1,60}/(\"[^\"\n]+\"|[^@\s\"']{1,200})(?=@|\s|$)"),
)  # fmt: skip


_SAID_HINTS = ("pass", "secret", "token", "key", "pwd", "pin", "otp", "cred", "connection string", "kennwort")
_NOUN_AT = re.compile(rf"\b{_NOUN}\b[ \t(]*", re.IGNORECASE)
_WHOM = r"(?:(?:for|of)[ \t]++[\"'\w@./\\-]{1,80}(?:[ \t]++[\"'\w@./\\-]{1,60})?[ \t]*+)?"
_SAID = re.compile(
    rf"(?:{_WHOM}(?:is|was|will be|are|ist|lautet)(?:[ \t]++(?:now|set to|still))?(?:[ \t]*+[:=])?[ \t]++|{_WHOM}[=:][ \t]*+"
    rf"|(?:(?:changed|set|reset|rotated|updated)[ \t]++)?(?:to|as)[ \t]++|){_QUOTED}",
    re.IGNORECASE,
)
"""What follows a noun: is, was, changed to, or the secret itself."""

_EVERY_HINT = sorted({hint for phrase in _PHRASES for hint in phrase.hints})


def phrases(text: str) -> Iterator[Span]:
    """Where secrets of these forms are."""
    lowered = text.lower()
    if any(hint in lowered for hint in _SAID_HINTS):
        for noun in _NOUN_AT.finditer(text):
            if said := _SAID.match(text, noun.end()):
                if said.start(said.lastindex or 0) - said.start() < 2 and noun.group()[-1] not in " \t(":
                    continue  # the quote that closes a name
                group = said.lastindex or 0
                start, end = said.span(group)
                value = text[start:end].rstrip(".,;:!?)\"'`]}")
                if value and not is_nothing(value[:LOOKED_AT]) and _meant(noun.group(), said, value[:LOOKED_AT], group):
                    yield start, start + len(value)
    present = {hint for hint in _EVERY_HINT if hint in lowered}
    for phrase in _PHRASES:
        if present.isdisjoint(phrase.hints):
            continue
        for found in phrase.pattern.finditer(text):
            last = found.lastindex
            if not last:
                continue
            start, end = found.span(last)
            value = text[start:end].rstrip(".,;:!?)\"'`]}")
            shown = value[:LOOKED_AT]
            if not value or is_nothing(shown) or (phrase.judged and not looks_secret(shown)):
                continue
            yield start, start + len(value)


def _meant(noun: str, said: re.Match[str], value: str, last: int) -> bool:
    """Whether a sentence tells a secret, or only speaks of one."""
    noun = noun.lower()
    password = noun.startswith(("pass", "pwd", "kennwort"))
    linked = said.start(last) - said.start() > 1
    if value.isdigit():
        return linked and len(value) >= 4 and (password or noun.startswith(("pin", "otp")))
    if is_path(value) or is_number(value):
        return False
    if looks_secret(value):
        return True
    quoted = said.string[said.start(last) - 1] in "\"'`"
    return linked and password and (quoted or bool(re.fullmatch(r"(?=.*\d)(?=.*[a-z])\S{6,}", value)))
