"""The parts of a text that are worth a look: lines with a hint of a secret, and the lines that go on with them.

Where a window begins and ends is decided by its own lines and the one behind it, so a text that comes piece by piece has the
same windows as the whole (:mod:`bot.content.stream_redaction`). All else is never looked at again, which is most of a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.content.redaction.apart import awaits
from bot.content.redaction.manifests import Manifest
from bot.content.redaction.names import Kind, kind
from bot.content.redaction.private_keys import BEGIN, END, may_follow
from bot.content.redaction.view import ODD

LONGEST = 1 << 20
"""Characters of a line, and of lines that belong together, that are kept together."""
_MOST_LINES = 20_000

_HINTS = """
    pass pwd kennwort secret token key cred sas sig= sig%3d auth cookie session sessid sid= connstr conn_str conn-str connectionstr
    connection_str connection-str connection|str dsn bearer jwt pat= pat: licen hmac salt pepper pin= pin: pin" pin|is totp otp seed mnemonic
    recovery backup_code backup|code webhook hooks url= url: url" uri= uri: uri" _url _uri identified psk pw= pw: pw" pw' _backend pfx sharedkey
    curl mysql sshpass redis-cli smbclient rabbitmqctl chpasswd jdbc login code= sudo|-s net|use unseal vault $apr1$ $1$ $5$ $6$ $y$ $2a$ $2b$ $2y$
    $argon2 q~ identity_header identity-header identityheader honeycomb assertion verifier csrf xsrf fernet snmp runas schtasks
    contrase senha palavra wachtwoord hasło haslo парол パスワード 暗証番号 密码 密碼 口令 parola lösenord losenord adgangskode salasana heslo jelsz şifre
    clave 비밀번호 /t/ stringdata kind:|secret "data": websocket-protocol ugfzc3dvcmq6 serial activation product|key new|value code|is pairing device|code one-time verification|code this|code add-mask issecret http-basic pw|= pulumi user|add setuser user|default cryptsetup authorize |-hp routing access|import log_in sign_in reg_sz expdp impdp sqlldr /rp /p: value" -pat _pat aws_ akia heroku sqlplus {sha {ssha {crypt
"""


def _pattern() -> re.Pattern[str]:
    """The hints, by their first letter: few branches are tried at a place."""
    by_first: dict[str, list[str]] = {}
    for hint in sorted({each.replace("|", " ") for each in _HINTS.split()}):
        by_first.setdefault(hint[0], []).append(re.escape(hint[1:]))
    words = "|".join(f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items())
    # A long word with a figure in it may be a token, one without may be base64; -p may be a password; before an @ may
    # be one in an address; and four colons are a line of .pgpass.
    return re.compile(
        rf"{words}|{ODD}|(?<![a-z0-9_-])(?=[a-z_-]{{0,40}}[0-9])[a-z0-9_-]{{18,}}|(?<![a-z0-9+/])[a-z0-9+/]{{40,}}"
        r"|\s-[pwkuab][ =]?\S|(?m:^)[ \t-]{0,60}data:[ \t]*\r?\n|://[^\s@]{1,300}@|:(?:[0-9]{4,5}|\*):[\w.*-]{1,100}:|\t(?:true|false)\t"
    )


_HINT = _pattern()
_ASCII_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_OPEN_END = re.compile(r"(?:[:=,({\[]|[|>][+-]?\d?)[\"'\s]*\Z")
_OPENERS = frozenset(":=,({[|>+-123456789\"'")
_BLOCK = re.compile(r"[:=]\s*(?:!\S+\s+)?[|>][+-]?\d?[ \t]*\r?\n?\Z")
_LABEL = re.compile(
    r"(?:^|[\s\"'{(,<-])(?:name|key|variable|env|header|headername|field|param|parameter|property|setting|option|value|val|variablename"
    r"|settingname|envname|id)[\"'\\]{0,6}\s*[:=]",
    re.IGNORECASE,
)
_ONE_WORD = re.compile(r"[ \t]{0,8}[\"']?[A-Za-z0-9%+/=&_.~:?-]+[\"']?,?\r?\n?\Z")
_TAG = re.compile(r"<(?:\w{1,20}:)?(\w[\w.-]{0,60})>[ \t]*\r?\n?\Z")
_BELOW = 3
"""Lines in which a value may stand, one more than may follow, behind a line that ends with its name."""
_LABELLED = 4
"""Lines behind a name in which its value may stand."""


def windows(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Where each window of the text begins and ends, in their order."""
    small = text.lower()
    if len(small) != len(text):  # a few letters become two
        small = text.translate(_ASCII_SMALL)
    while hint := _HINT.search(small, start):
        begin = _line_start(text, start, hint.start())
        start = _window_end(text, begin)
        yield begin, start


def line_end(text: str, start: int) -> int:
    """The place behind the line that begins at ``start``: behind its line feed, or where it is cut for its length."""
    end = text.find("\n", start, start + LONGEST) + 1
    if end or len(text) - start <= LONGEST:
        return end or len(text)
    return text.rfind(" ", start + LONGEST // 2, start + LONGEST) + 1 or start + LONGEST


def _line_start(text: str, floor: int, place: int) -> int:
    start = max(floor, text.rfind("\n", floor, place) + 1)
    while place - start >= LONGEST // 2 and (end := line_end(text, start)) <= place:
        start = end
    return start


def _window_end(text: str, begin: int) -> int:
    end = line_end(text, begin)
    line = text[begin:end]
    state = _State(line)
    for _ in range(_MOST_LINES):
        if end >= len(text) or end - begin >= LONGEST:
            break
        after = line_end(text, end)
        following = text[end:after]
        if not state.goes_on(line, following):
            break
        line, end = following, after
    return end


class _State:
    """What the lines of a window so far wait for."""

    def __init__(self, line: str) -> None:
        self._key: str | None = None  # what stands before the private key that is open
        self._block = -1  # how far the block scalar that is open is indented
        self._left = 0  # lines in which a value may follow
        self._manifest: Manifest | None = None
        self._see(line)

    def goes_on(self, line: str, following: str) -> bool:
        """Whether ``following`` belongs to ``line``, the last of the window."""
        if self._key is not None:
            if may_follow(self._key, line, following):
                if END.search(following):
                    self._key = None
                return True
            self._key = None
        if self._block >= 0:
            if not following.strip() or _indent(following) > self._block:
                return True
            self._block = -1
        if self._manifest:
            if self._manifest.goes_on(following):
                return True
            self._manifest = None
        self._left -= 1
        tail = line[-200:].rstrip()
        goes_on = (
            self._left > 0
            or tail.endswith(("\\", "^", "`"))
            or (tail[-1:] in _OPENERS and bool(_OPEN_END.search(tail)))
            or (bool(_ONE_WORD.match(line)) and "-END " in following and bool(END.search(following)))
            or (
                len(tail[-20:].split()) == 1
                and len(tail) >= 20
                and (bool(_ONE_WORD.match(following)) or may_follow("", line, following))
            )
        )
        if goes_on:
            self._see(following)
        return goes_on

    def _see(self, line: str) -> None:
        begin = None
        if "PRIVATE KEY" in line or ("P" in line and "Private-" in line) or "PuTTY" in line:
            *_, begin = [None, *BEGIN.finditer(line)]
        if begin is not None and not END.search(line, begin.end()):
            self._key = line[: begin.start()]
        if _BLOCK.search(line[-200:]):
            self._block = _indent(line)
        if _LABEL.search(line):
            self._left = _LABELLED
        elif self._left < _BELOW and (awaits(line) or _opens(line)):
            self._left = _BELOW
        if Manifest.BEGINS.match(line):
            self._manifest = Manifest(line)


def _opens(line: str) -> bool:
    """Whether the line ends with the tag of an element that is secret: its text may stand in the next line."""
    tag = _TAG.search(line[-100:])
    return tag is not None and kind(tag[1]) is not Kind.OPEN


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t-"))
