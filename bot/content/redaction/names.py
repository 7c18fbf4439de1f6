"""Which names say that what goes by them is a secret: of variables, fields, metadata, headers, options, parameters.

A name is read as its words (``AZURE_OPENAI_KEY``, ``accountKey``, ``x-api-key``, ``PGPASSWORD``), and its last word
says what it is: a ``token_count`` is a count, a ``count_token`` a token. What stands behind that word without changing
it (``_2``, ``_PROD``, ``_BASE64``) is passed over.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache

LONGEST = 100
"""Characters of a name that are looked at; of a longer one, its end."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Kind(IntEnum):
    """What a name says of its value. All but the first are secret by name; the rest is for running text."""

    OPEN = 0
    """Nothing."""
    ORDINARY = 1
    """An ordinary word too (pass, pin, session): in running text the value must look like a secret."""
    SECRET = 2
    """A secret, though people write sentences with it (token, key): no value that is plain words."""
    PASSWORD = 3
    """A password: whatever follows."""


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_GLUED = re.compile(
    r"(?P<password>[a-z]{0,20}(?:password[do]?|passwd|passphrase)|(?!old)[a-z]{1,20}pwd|(?:tls|ssl|wpa|ipsec|wifi)psk|passwort|kennwort|passcode|(?:db|ssh|user|usr|root|admin|my|smtp|imap|mail|ftp"
    r"|sftp|proxy|redis|mongo|pg|sql|mysql|ldap|bind|key|keystore|store|trust|sudo|login|ssl|wifi|vnc|rdp|http|vault|require"
    r"|service|svc|machine|rabbitmq|mq|es|zip|pfx|cert|ca)(?:pass|pwd|pw))s?"
    r"|(?P<secret>(?:app|client|consumer|shared|user|api|jwt|oauth|webhook)secret"
    r"|(?:api|app|access|account|auth|private|secret|storage|shared|subscription|license|licence|signing|encryption|ssh|tls|ssl"
    r"|gpg|pgp|master|deploy|host|aes|hmac|function|functions|client|session|service|admin|sas|consumer|integration|write|read"
    r"|batch|cosmos|sharedaccess|primary|secondary|accountaccess|accesskeys?id)key"
    r"|accesskeyid|(?:access|auth|api|app|refresh|identity|device|root|root|admin|user|bearer|session|secret|sas|id|user|bot|csrf|xsrf|security|oauth|personal|deploy"
    r"|service|registry|join|push|git|github|gitlab|npm|vault|consul|slack|discord|telegram|hf)token"
    r"|conn(?:ection)?str(?:ing)?s?|sharedaccesssignature|webhookurl|sasurl|sasuri|[a-z]*credentials?|authorization"
    r"|(?:j|php|asp)?sess(?:ion)?id|requirepass|masterauth|mnemonic)"
)
_PASSWORDS = _words("""
    password passwords passwd passphrase passphrases passwort kennwort passcode pwd pw psk contrasena motdepasse
""")
# The same in other languages, without accents (see :func:`_bare`): Spanish, Portuguese, Dutch, Swedish, Danish, Norwegian,
# Finnish, Polish, Czech, Hungarian, Turkish, Russian, Ukrainian; and, of those that write words together, their ends.
_PASSWORDS_ELSEWHERE = _words("""
    contrasenas contrasenya senha senhas palavrapasse wachtwoord wachtwoorden losenord adgangskode passord salasana haslo hasla heslo
    jelszo sifre parola zugangskennwort motdepasse пароль пароля пароли parool
""")
_PASSWORD_ENDS = ("パスワード", "暗証番号", "密码", "密碼", "口令", "비밀번호", "암호")
_SECRETS = _words("""
    secret secrets token credential credentials creds cred apikey apikeys sas connstr connectionstring cookie
    cookies jwt bearer pat fernet csrf xsrf csrftoken authenticity hmac pepper totp otp mnemonic authorization dsn userpwd authtoken accesstoken authtok
""")
_ORDINARY = _words("""
    clave pass pin salt session sessions sid license licence auth webhook signature webhooks
""")
# Words that say of what went before them that it is not the thing itself.
_ASIDE = _words("""
    value values val text plain plaintext raw current old new next previous prev base64 b64 hex encoded data
    string str env enc encrypted primary secondary prod production dev development test testing staging stage
    live default main header json pem der pfx p12 jks blob content contents config cfg override backup confirm
    confirmation again repeat secure base hash seed phrase md5 sha sha1 sha256 bcrypt literal for
""")
# Two or three words, at the name's end, that are a secret together.
_TOGETHER_TEXT = """
    key value, secret phrase, identity header, honeycomb team, client assertion, code verifier, palavra passe, mot passe, wacht woord,
    access key id, access keys, access tokens, account keys, amqp url, api keys, api tokens, application
    credentials json, auth config, auth header, auth string, auth tokens, backup code, backup codes, basic auth,
    broker url, cert pem, cert pfx, certificate pfx, client cert, client certificate, conn str, conn string,
    connection string, connection strings, database uri, database url, db url, hook url, index url, mongo uri,
    mongo url, mongodb uri, mongodb url, mysql url, otp seed, postgres url, rabbitmq url, recovery code,
    recovery codes, recovery phrase, redis url, refresh tokens, result backend, sas uri, sas url, secret id,
    secret key base, seed phrase, service account json, session id, session key, shared access signature,
    sqlalchemy database uri, totp seed, webhook uri, webhook url
"""
_TOGETHER = {tuple(each.split()) for each in _TOGETHER_TEXT.split(",")}
_PHRASES = {("seed", "phrase"), ("totp", "seed"), ("otp", "seed"), ("recovery", "phrase")}
# Before ``key``: what makes it no key of a lock.
_OPEN_KEYS = _words("""
    sort partition row foreign public pub cache group lookup dict dictionary map object s3 range shift arrow hot
    unique composite natural candidate surrogate metadata label translation i18n routing message event item
    order join merge dedup idempotency tag color colour chroma luma light fill rim animation shape pose frame
    first last next prev previous start end left right up down home enter escape esc delete any every each this
    that the a an no missing unknown duplicate invalid bad wrong unexpected same other config option parameter
    param attr attribute property field column table index document doc record json yaml xml blob file path by
    registry websocket ctrl control alt meta tab space return press pressed which resume checkpoint state
    dataset batchnorm query of per on pool job task node bucket topic stream kafka redis sorted filter legend
    answer plot chart drop date time string number int hash random prng rng instance keyboard shortcut major
    minor lora project lr
""")
_WEAK_KEYS = _words("""
    pass primary secondary host master data user system root
""")
_OPEN_TOKENS = _words("""
    max min num n total prompt completion input output pad eos bos unk cls sep mask special next continuation
    page skip sync cancellation cancel image text vocab new generated unexpected invalid start end stop first
    last per cached reasoning syntax word sub delta change changes resume list lexer parser current
""")
_OPEN_PASSES = _words("""
    render aov layer first second third one two three n light color colour depth beauty shadow single multi
    multiple test tests by forward backward vertex geometry lighting post bounce diffuse specular glossy ambient
    z full prepass dry next last current frame base encode encoder x264 x265 ffmpeg num num_ total optimization
    compiler llvm per view boarding
""")
_OPEN_SESSIONS = _words("""
    xdg desktop gdm tmux screen x11 wayland train training spark tf onnx inference debug
""")


@lru_cache(4096)
def kind(name: str) -> Kind:
    """What ``name`` says of its value."""
    words = [word.lower() for word in _WORD.findall(_bare(name[-LONGEST:]))]
    ends = words[:]
    while ends and (ends[-1].isdigit() or (len(ends[-1]) == 1 and len(ends) > 1)):
        ends.pop()
    found = _together(ends) or _last(ends, name)
    while not found and len(ends) > 1 and ends[-1] in _ASIDE:
        ends.pop()
        while ends and ends[-1].isdigit():
            ends.pop()
        found = _together(ends) or _last(ends, name)
        if found is Kind.SECRET and ends[-1] == "token" and words[-1] in ("string", "text", "test"):
            return Kind.OPEN  # tokens of a language
    return found


def is_secret(name: str) -> bool:
    """Whether what goes by this name is a secret: ``STORAGE_KEY``, ``apiToken``, ``PGPASSWORD``; not ``KEYBOARD``."""
    return kind(name) is not Kind.OPEN


def _bare(name: str) -> str:
    """A name without accents: ``contraseña`` is ``contrasena``."""
    if name.isascii():
        return name
    parts = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("ı", "i"))
    return unicodedata.normalize("NFC", "".join(each for each in parts if not "\u0300" <= each <= "\u036f"))


def _together(words: list[str]) -> Kind | None:
    if words[-3:-1] == ["xdg", "session"]:
        return Kind.OPEN
    if words[-2:] == ["secret", "id"]:
        return Kind.SECRET
    if any(tuple(words[-count:]) in _TOGETHER for count in (2, 3) if len(words) >= count):
        return (
            Kind.ORDINARY
            if tuple(words[-2:]) in _PHRASES or words[-1] in ("id", "config", "auth", "value")
            else Kind.SECRET
        )
    return None


def _last(words: list[str], name: str) -> Kind:  # noqa: PLR0911 - one line for each kind of word
    if not words:
        return Kind.OPEN
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if before == "pass" and last in ("word", "words", "phrase", "wd", "code"):
        return Kind.PASSWORD
    if last in _PASSWORDS_ELSEWHERE or (not last.isascii() and last.endswith(_PASSWORD_ENDS)):
        return Kind.PASSWORD
    if last in _PASSWORDS:
        return Kind.OPEN if last == "pwd" and name in ("PWD", "pwd", "OLDPWD") else Kind.PASSWORD
    if last == "pass":
        return Kind.OPEN if before in _OPEN_PASSES else Kind.PASSWORD if before else Kind.ORDINARY
    if last in ("token", "secret") and (before in _OPEN_TOKENS or words[-3:-1] == ["public", "key"]):
        return Kind.OPEN
    if last in _SECRETS:
        return Kind.SECRET
    if last in _ORDINARY:
        return Kind.OPEN if before in _OPEN_SESSIONS else Kind.ORDINARY
    if last in ("key", "keys"):
        return _key(words, name)
    glued = _GLUED.fullmatch(last)
    if glued:
        return Kind.PASSWORD if glued["password"] else Kind.SECRET
    return Kind.OPEN


def _key(words: list[str], name: str) -> Kind:
    """``key`` alone is the word of every list of pairs; written large, it is a variable's."""
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "keys" or not before:
        return Kind.ORDINARY if name == "KEY" else Kind.OPEN
    if before in _OPEN_KEYS or before.isdigit():
        return Kind.OPEN
    return Kind.ORDINARY if before in _WEAK_KEYS else Kind.SECRET
