"""Secrets in addresses: signatures, passwords before the host, tokens among the parameters and in the path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.content.redaction.names import Kind, kind
from bot.content.redaction.values import is_nothing, is_number, looks_random, looks_secret

Span = tuple[int, int]

_SIG = r"(?:sig|x-amz-signature|x-goog-signature)(?:=|%3d|%253d)"
_QUERY = re.compile(r"\?([^\s\"'<>?`]++)")
_SIGNED = re.compile(rf"(?:^|[&;?]|%26|%2526|u0026){_SIG}", re.IGNORECASE)
_LOOSE = re.compile(
    rf"(?:[&;?]|%26|%2526|u0026|(?<![A-Za-z0-9_]))(?:{_SIG})(?=[A-Za-z0-9%+/=_-]{{20}}|(?<=[&;]sig=)[A-Za-z0-9%]{{8}})([^\s\"'<>&;`]++)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"(?:[?&;]|%26|&amp;|u0026)([\w.$-]{2,40})(?:=|%3[dD])([^\s\"'<>&;`#]{6,})")
_CODE = re.compile(r"[?&]code=([A-Za-z0-9%_+/=.-]{30,})")
_USER = re.compile(r"://((?:[^\s/?#:@\"'<>\\]|\\u[0-9a-f]{4}){0,200}+)(:?)")
_PASSWORD = re.compile(r"(?!\d{1,5}(?:[/?]|$))[^\s\"'<>`]{1,1000}")
_HOOKS = re.compile(
    r"((?:hooks\.slack\.com/(?:services|workflows|triggers)|\.webhook\.office\.com/webhookb2|outlook\.office(?:365)?\.com/webhook"
    r"|discord(?:app)?\.com/api(?:/v\d+)?/webhooks/\d+|api\.telegram\.org/bot\d+(?=:)|hooks\.zapier\.com/hooks/catch"
    r"|maker\.ifttt\.com/trigger/[\w-]+/(?:json/)?with/key|hook\.(?:eu\d|us\d)\.make\.com|chat\.googleapis\.com/v1/spaces"
    r"|events\.pagerduty\.com/integration|ingest\.sentry\.io|hooks\.airtable\.com/workflows|api\.opsgenie\.com/v1/json"
    r"|loggly\.com/inputs|webhook\.site|hc-ping\.com|alert\.victorops\.com/integrations|mattermost[\w.-]{0,60}/hooks)[/:])[^\s\"'<>`]+",
    re.IGNORECASE,
)
_NPMRC = re.compile(r"//[\w.:/-]{3,100}:(?:_password|_auth|_authToken)[ \t]*=[ \t]*(\S+)")
_PATH_TOKEN = re.compile(
    r"://[\w.:-]{1,200}(?:/[\w.-]{1,60}){0,3}?/t/((?=[\w-]*\d)[A-Za-z0-9_-]{12,})(?=[/\s\"'<>?]|$)"
)  # conda
_SIG_LENGTH = 43
_MORE = re.compile(r"\r?\n[ \t]{0,8}(?:[>|] )?([A-Za-z0-9%&=+/_.~:-]+)(?=\s|[\"'<]|$)")


def addresses(text: str) -> Iterator[Span]:
    """Where secrets of addresses are."""
    if "://" in text:
        yield from _users(text)
    for found in _HOOKS.finditer(text) if "/" in text else ():
        yield found.end(1), found.end()
    for found in _PATH_TOKEN.finditer(text) if "/t/" in text else ():
        if looks_secret(found[1]):
            yield found.span(1)
    lowered = text.lower()
    if "sig" in lowered:
        yield from _signatures(text)
    if "?" in text or "&" in text or "%26" in text:
        for found in _PARAMETER.finditer(text):
            if (
                found[1].lower() in ("key", "code", "st", "t", "k") and looks_random(found[2]) and len(found[2]) >= 16
            ) or _told(found[1], found[2]):
                yield found.span(2)
        for found in _CODE.finditer(text):
            yield found.span(1)
    for found in _NPMRC.finditer(text):
        if not is_nothing(found[1]):
            yield found.span(1)


def _told(name: str, value: str) -> bool:
    found = kind(name)
    if found is Kind.OPEN or is_nothing(value):
        return False
    return (
        found is Kind.PASSWORD
        or looks_secret(value)
        or (found is Kind.SECRET and len(value) >= 8 and not is_number(value))
    )


def _signatures(text: str) -> Iterator[Span]:
    """The whole query with a signature: permissions and expiry belong to the secret; and what goes on in the next line."""
    for found in _QUERY.finditer(text):
        if _SIGNED.search(found[1]):
            end = found.end() - _loose_end(found[1])
            yield found.start(1), end
            yield from _rest_of(text, found[1], found.end())
        elif (
            found.end() < len(text)
            and text[found.end()] in "\r\n"
            and re.match(r"(?:sv|st|se|sp|sr|ss|srt|spr|sip|skoid)=", found[1])
        ):
            more = _MORE.match(text, found.end())
            if more and _SIGNED.search(found[1] + more[1]):
                yield found.span(1)
                yield more.span(1)
                yield from _rest_of(text, found[1] + more[1], more.end())
    for found in _LOOSE.finditer(text):
        yield found.start(1), found.end() - _loose_end(found[1])
        yield from _rest_of(text, found.group(), found.end())


def _loose_end(query: str) -> int:
    """Characters at the end of a query that are the sentence's."""
    return len(query) - len(query.rstrip(".,;:!)]}\\")) if not query.endswith("%3D") else 0


def _rest_of(text: str, query: str, end: int) -> Iterator[Span]:
    """What of a signature stands in the next lines: it has 44 characters, or 43 and nothing at their end."""
    signature = re.split(_SIG, query, flags=re.IGNORECASE)[-1].split("&")[0]
    for _ in range(3):
        bare = (
            signature.replace("%2B", "+")
            .replace("%2F", "/")
            .replace("%2b", "+")
            .replace("%2f", "/")
            .replace("%3D", "=")
            .replace("%3d", "=")
        )
        if len(bare) > _SIG_LENGTH or bare.endswith("=") or not (more := _MORE.match(text, end)):
            return
        yield more.span(1)
        signature, end = signature + more[1].split("&")[0], more.end()


def _users(text: str) -> Iterator[Span]:
    """Passwords before a host. They may have an @ and, where the user is not a host with a port, a slash."""
    end = 0
    for found in _USER.finditer(text):
        if found.start() < end:
            continue
        start = found.end()
        if not found[2]:  # https://TOKEN@host
            if text[start : start + 1] == "@" and len(found[1]) >= 16 and looks_random(found[1]):
                yield found.span(1)
            continue
        value = _PASSWORD.match(text, start)
        if value is None or found[1].startswith("["):
            continue
        whole = value.group()
        at = _at(whole)
        if at > 0 and not is_nothing(whole[:at]) and not whole.startswith("…"):
            yield start, start + at
            end = start + at


def _at(whole: str) -> int:
    """Where the password ends: at the last @ before the host's end; -1 where there is none."""
    first = whole.find("@")
    if first < 0 or whole[first:].startswith(("@sha256:", "@sha512:")) or re.search(r"[,;]\w+://|://", whole[:first]):
        return -1
    slash = whole.find("/", first)
    return whole.rfind("@", 0, slash if slash >= 0 else len(whole))
