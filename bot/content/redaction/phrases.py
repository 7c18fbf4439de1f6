"""Secrets in sentences, statements and files of a form of their own. Each pattern's last group is the secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.content.redaction.values import LOOKED_AT, is_nothing, is_number, is_path, looks_mixed, looks_secret

Span = tuple[int, int]


class Phrase(NamedTuple):
    """An id, words of which one stands in the text (lower case), a pattern, whether the value must look secret, and whether for that
    it is enough that it is made of figures and of small and large letters."""

    id: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    judged: bool = False
    told: bool = False


def _phrase(name: str, hints: str, pattern: str, *, judged: bool = False, told: bool = False) -> Phrase:
    return Phrase(
        name, tuple(hints.split("|")), re.compile(pattern, re.IGNORECASE | re.MULTILINE), judged or told, told
    )


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
    _phrase("pair", "auth|login|log_in|sign|cred|basic", r"\b(?:auth|basicauth|httpbasicauth|login|credentials|authenticate|log_?in|sign_?in)[ \t]*+[=(:][ \t]*+(?:[(\[][ \t]*+)?[bu]?[\"'][^\"'\n]{1,100}[\"'][ \t]*,[ \t]*[bu]?[\"']([^\"'\n]{3,500})[\"']"),
    _phrase("netrc", "machine|login|default", r"\b(?:machine[ \t]+\S{1,200}\s+)?login\s+\S{1,200}\s+password\s+(\S+)"),
    _phrase("netrc-line", "password", r"^[ \t]*password[ \t]+(\S+)[ \t]*\r?$"),
    _phrase("pgpass", ":", r"^[ \t]*(?:[\w.*-]{1,200}|\[[0-9a-f:]+\]):(?:\d{2,5}|\*):[\w.*-]{1,100}:[\w.*@-]{1,100}:([^\r\n]+)$"),
    _phrase("shadow", "$", r"^[\w.-]{1,60}:(\$[\w-]{1,12}\$[^\s:]{12,})"),
    _phrase("htpasswd", ":{", r"^[\w.@-]{1,60}:(\{(?:SHA|SSHA|MD5|CRYPT)\}\S+)"),
    _phrase("ldap-hash", "{", r"\{(?:S?SHA(?:256|512)?|S?MD5|CRYPT)\}([A-Za-z0-9+/=$.]{16,})"),
    _phrase("bearer", "bearer", r"\bbearer(?:[ \t]+|%20|\+)(?![a-z_]{2,30}=\S)" + _MIXED + r"([\w.~+/=-]{12,})"),
    _phrase("sharedkey", "sharedkey", r"\bsharedkey(?:lite)?\s+[\w-]+:([a-z0-9+/=]{20,})"),
    _phrase("basic", "basic", r"\bbasic[ \t]+([A-Za-z0-9+/]{8,}={0,2})(?![\w])", judged=True),
    _phrase("ssws", "ssws", r"\bssws[ \t]+([\w-]{12,})"),
    _phrase("digest", "response=", r"\bdigest[ \t][^\n]{0,600}?\bresponse=\"?([0-9a-f]{32})"),
    _phrase("aws4", "signature=", r"\bsignature=([0-9a-f]{64})"),
    _phrase("netscape", "\t", r"^(?:#HttpOnly_)?[\w.-]{3,200}\t(?:TRUE|FALSE)\t\S{1,500}\t(?:TRUE|FALSE)\t\d{1,15}\t[^\t\n]{1,200}\t([^\s]{6,})"),
    _phrase("cookie-option", "cookie|curl", r"(?:--cookie|--cookie-jar|\s-b)[ =]+[\"']?[\w.-]{1,100}=([^;\s\"']{6,})"),
    _phrase("az-token", "az_batch_authentication_token", r"AZ_BATCH_AUTHENTICATION_TOKEN=([^\r\n]+)"),
    _phrase("requirepass", "requirepass|masterauth|auth ", r"(?:^[ \t]*|\bconfig set )(?:requirepass|masterauth)[ \t]+(\S+)"),
    _phrase("redis-auth", "auth", r"(?:^|[>\"\s])AUTH[ \t]+(?:[\w.-]{1,40}[ \t]+)?[\"']?([^\s\"']{6,})[\"']?[ \t]*\r?$", judged=True),
    _phrase("imap", "login", r"\bLOGIN[ \t]+\"?[\w.@-]{3,100}\"?[ \t]+\"?([^\s\"]{4,})\"?[ \t]*\r?$", judged=True),
    _phrase("ftp", "pass", r"^(?:[>\s]|--->|C:)*+PASS[ \t]+([^\s:=]{4,})[ \t]*\r?$", judged=True),
    _phrase("generated", "password|passphrase|passwd|passcode", r"\bpass(?:word|phrase|wd|code)\b[^\n:\"'\\=]{1,80}+:[ \t]+(\S{6,})", told=True),
    _phrase("elsewhere", "passe|contrase|senha|wachtwoord|hasło|haslo|парол|パスワード|密码|密碼|口令|passwor|kennwort|parola|lösenord|adgangskode|clave|비밀번호", r"(?:\b(?:mot de passe|contraseña|clave(?: de acceso| secreta)?|senha|palavra-passe|wachtwoord|hasło|haslo|парол[ья]|passwort|kennwort|parola(?: d'ordine)?|lösenord|adgangskode)\b|パスワード|密码|密碼|口令|비밀번호)[ \t]*(?:[:=]|(?:est|es|é|è|jest|to|is|lautet|luidt|ist|är|er|это|этo|—|-|は|是|为|為|는|은)(?![a-z])[ \t]*:?|(?=[ \t]))[ \t]*" + _QUOTED, told=True),
    _phrase("websocket", "websocket-protocol", r"sec-websocket-protocol\W{1,8}(?:[\w.-]{1,60},[ \t]*){1,3}([\w.~+/=-]{16,})", judged=True),
    _phrase("websocket-bearer", "bearer.authorization", r"\bbearer\.authorization\.[\w-]{1,20}(?:\.[\w-]{1,20}){0,3}?\.([\w-]{16,})"),
    _phrase("with-key", " key", r"\b(?:with|using|use|by) (?:the |your |its |this )?(?:\w{1,20} )?key[ \t]+[\"'`]?([^\s\"'`]{12,})", judged=True),
    _phrase("runas", "runas", r"\brunas(?:\.exe)?\b[^\n]{0,100}?/user:\S{1,100}[ \t]+([^\s\"]+)", told=True),
    _phrase("slash-p", "/p|/rp|-p", r"(?:^|[\s\"'])[-/]r?p(?:w|wd|ass|assword)?[:=](?!(?-i:(?:[A-Z][a-z]{1,20}){2,6}|Configuration|Platform|Version|Deterministic)=)(?:\"([^\"\n]+)\"|([^\s\"';]+))", told=True),
    _phrase("new-value", "new value", r"\bnew value:[ \t]*([A-Za-z0-9+/=*]{14,})(?!\S)", judged=True),
    _phrase("password-of", "password", r"^[ \t]*password[ \t]+[\w.@-]{1,60}[ \t]*[=:][ \t]*(\S+)", told=True),
    _phrase("ipsec", "psk", r"\bpsk[ \t]+\"([^\"\n]{4,})\""),
    _phrase("serial", "serial|activation|product|licen|unlock", r"(?:activation|\bserial|product|licen[sc]e|unlock)(?:[ -]?(?:code|key|number|no\.?|id))?(?:[ \t]*[:=#][ \t]*|[ \t]+)(?-i:((?=[A-Z-]{0,28}[0-9])[A-Z0-9]{2,6}(?:-[A-Z0-9]{4,6}){2,8}))(?![\w-])"),
    _phrase("ticket", "=", r"^[\w.:-]{1,80}=[\w.@-]{1,60}:([0-9A-F]{32})[ \t]*\r?$"),
    _phrase("user-key", "key", r"\"(?:user|username|account|accountname|email|name)\"\s{0,9}:\s{0,9}\"[^\"\n]{1,100}\"\s{0,9},\s{0,9}\"key\"\s{0,9}:\s{0,9}\"([^\"\n]{16,})\"", judged=True),
    _phrase("entered", "enter|here|provided|below|following|follows", r"\b(?:key|token|secret|code)\b[^\n:]{1,100}+(?<=enter|.here|below|llows|owing|vided)[ \t]?:[ \t]*(\S{12,})", judged=True),
    _phrase("client", "client|api|fernet|credential|key|login|token|configure", r"\b\w{0,40}(?:client|api|login|authenticate|key|token|configure|credential|fernet)\([ \t]*[bu]?[\"']([\w+/=-]{32,})[\"'][ \t]*[,)]", judged=True),
    _phrase("echoed", "cmd|command", r"pass(?:word|phrase)?[_-]?(?:cmd|command)[ \t]*[=:][ \t]*[\"']?(?:echo|printf)[ \t]+(?:-\w[ \t]+)?[\"']?([^\s\"']+)"),
    _phrase("user-password", "-p", r"(?:^|[\s])(?:-u|-U|--user(?:name)?|-user|--login)[ =]?[\w.@\\-]{1,60}[ \t](?:[^\n]{0,80}?[ \t])?(?:-p|-P|-pw|-pass|--pass|-w)(?:[ \t]+|=)[\"']?([^\s\"']{6,})", told=True),
    _phrase("slash-pass", "pass|pwd", r"(?:^|\s)/\w{0,20}(?:pass|password|passwd|pwd)[ \t]+\"?([^\s/\"][^\s\"]*)", told=True),
    _phrase("slashed", "cred|login", r"\b(?:credentials?|creds|login)\b[ \t]*[:=][ \t]*[\w.@-]{1,40}[ \t]*/[ \t]*(\S{6,})", told=True),
    _phrase("code-said", "code|key|pin", r"\b(?:one[- ]time|device|verification|login|pairing|claim|enrol?lment|security|backup|recovery|invitation|invite|this)[ \t](?:code|key|pin)(?:[ \t]+is|[ \t]*[:=])?[ \t]*[:=]?[ \t]*(?-i:(\d{6,8}|[A-Z0-9]{4}-[A-Z0-9]{4}|(?=[A-Z]{0,9}\d)[A-Z0-9]{8,10}|(?=[a-f]{0,40}\d)[0-9a-f]{24,}))(?![\w-])"),
    _phrase("decorated", "pass|token|key|secret|pin|kennwort|cred", rf"\b{_NOUN}(?:[*_`]{{1,3}}[ \t]*[:=]?[*_`]{{0,3}}|[ \t]*:[*_`]{{1,3}}|[ \t]*→|[ \t]*\.{{3,60}}+:?)[ \t]+[\"'`]?([^\s\"'`]{{6,}})", told=True),
    _phrase("default", "{", r"(?:pass(?:word|wd)?|pwd|secret|token|key)(?![a-z])\w{0,12}[\"']?[ \t]*[:=][ \t]*[\"']?\$\{\w{1,60}:?-([^}\s]{4,})\}", told=True),
    _phrase("masked", "add-mask|issecret", r"(?:::add-mask::|;issecret=true[^\]\n]{0,60}\])([^\r\n]+)"),
    _phrase("sonar", "sonar.login", r"sonar\.login=(\S{20,})"),
    _phrase("user-pass", "pass", r"\buser(?:name)?[=:][ \t]*\S{1,100}[ ,;]{1,4}pass[=:][ \t]*(\S{6,})", told=True),
    _phrase("last-credential", "credential", r"credentials?\((?:[ \t]*[bu]?[\"']?[^\"'(),\n]{1,100}[\"']?[ \t]*,){2,4}[ \t]*[bu]?[\"']([^\"'\n]{4,500})[\"'][ \t]*\)", told=True),
    _phrase("key-of-login", "key=", r"(?:login|configure|auth\w{0,20}|client|connect)\((?:[^)\n]{0,80}?\b)?key=[\"']([^\"'\n]{16,})", judged=True),
    _phrase("signed-with", "hmac.new|jwt.", r"\b(?:hmac\.new\([ \t]*|jwt\.(?:en|de)code\([^,\n]{1,80},[ \t]*)[bu]?[\"']([^\"'\n]{6,})[\"']", told=True),
    _phrase("substituted", "<(", r"pass\w{0,20}(?:-file)?[ =]+<\([ \t]*(?:echo|printf)[ \t]+(?:-\w[ \t]+)?[\"']?([^\s\"')]+)"),
    _phrase("key-bytes", "key", r"\bkey(?:[ _-]?(?:material|data|bytes|value))?\d?[\"']?[ \t]*[:=][ \t]*[\"']?([A-Za-z0-9+/]{38,88}={1,2})(?![\w=])"),
    _phrase("key-hex", "key", r"\b(?:aes|munge|ssk|psk|master|encryption|content|symmetric|hmac|cipher|secret)[ _-]?(?:\d{3}[ _-]?)?key[\"']?[ \t]*[:=][ \t]*[\"']?([0-9a-f]{32,128})(?!\w)"),
    _phrase("routing", "routing", r"routing_?key[\"']?[ \t]*[:=][ \t]*[\"']?([0-9a-f]{32})(?!\w)"),
    _phrase("subscription", "subscription=", r"\bsubscription=[\"']([0-9a-f]{32})[\"']"),
    _phrase("user-added", "password|login|user", r"(?:password|addlogin|adduser|add_user|createuser|create_user)(?:\(|[ \t])[ \t]*[\"'][^\"'\n]{1,60}[\"'][ \t]*,[ \t]*[\"']([^\"'\n]{4,})[\"']", told=True),
    _phrase("redis-acl", "user", r"\bon[ \t]+>(\S{4,})(?=[ \t]+[~&+%])"),
    _phrase("sentinel", "auth-pass", r"\bauth-pass[ \t]+\S{1,60}[ \t]+(\S+)"),
    _phrase("basic-auth", "basic auth", r"\bbasic auth[ \t]+[\w.@-]{1,60}:(\S{6,})", told=True),
    _phrase("p4-ticket", "ticket", r"\bticket(?: for \S{1,60})?[ \t]*[:=]?[ \t]*(?-i:([0-9A-Z]{32}))(?!\w)"),
    _phrase("docker-auth", "auth", r"\\{0,8}\"_?auth\\{0,8}\"\s{0,9}:\s{0,9}\\{0,8}\"([A-Za-z0-9+/]{12,}={0,2})(?=\\{0,8}\")", told=True),
    _phrase("psk", "psk", r"\bpsk=\"?([^\s\"]{8,})"),
    _phrase("prompt", "password for|passphrase for", r"\b(?:password|passphrase) for [^:\n]{1,100}:[ \t]*(\S{4,})", judged=True),
    _phrase("heroku", "heroku", r"heroku[^\n]{0,80}?([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"),
    _phrase("jdbc", "jdbc:", r"jdbc:oracle:\w{1,10}:[\w.-]{1,60}/([^@\s\"']{1,200})@"),
    _phrase("oracle", "sqlplus|exp|imp", r"\b(?:sqlplus|expdp|impdp|sqlldr|rman)[ \t]+(?:-\S{1,60}[ \t]+){0,9}[\w.$-]{1,60}/(\"[^\"\n]+\"|[^@\s\"']{1,200})(?=@|\s|$)"),
)  # fmt: skip


_SAID_HINTS = ("pass", "secret", "token", "key", "pwd", "pin", "otp", "cred", "connection string", "kennwort")
_WHOM = r"(?:(?:for|of)[ \t]++[\"'\w@./\\-]{1,80}(?:[ \t]++[\"'\w@./\\-]{1,60})?[ \t]*+)?"
_NOUN_AT = re.compile(rf"(?<!public key )\b{_NOUN}\b[ \t(]*", re.IGNORECASE)
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
            if (
                not value
                or is_nothing(shown)
                or (phrase.judged and not looks_secret(shown) and not (phrase.told and looks_mixed(shown)))
            ):
                continue
            yield start, start + len(value)


def _meant(noun: str, said: re.Match[str], value: str, last: int) -> bool:
    """Whether a sentence tells a secret, or only speaks of one."""
    noun = noun.lower()
    password = noun.startswith(("passw", "passp", "passc", "pwd", "kennwort"))
    linked = said.start(last) - said.start() > 1
    if value.isdigit():
        return linked and len(value) >= 4 and (password or noun.startswith(("pin", "otp")))
    if is_path(value) or is_number(value):
        return False
    if looks_secret(value):
        return True
    quoted = said.string[said.start(last) - 1] in "\"'`"
    return linked and password and (quoted or bool(re.fullmatch(r"(?=.*\d)(?=.*[a-z])\S{6,}", value)))
