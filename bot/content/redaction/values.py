"""What stands where a value stands: whether it is one, whether it looks like a secret, and where it ends."""

from __future__ import annotations

import re

LOOKED_AT = 300
"""Characters of a value by which is decided whether it is one."""

_HOLDER = re.compile(
    r"(?:\$[A-Za-z_{(]|\$\$?\{|%[A-Za-z_]\w*%|<(?!\w{0,40}[^\w\s>-])|\{\{|\{[A-Za-z_]\w*\}|\*{2,}|•{2,}|#{4,}|-{3,}|…|\.{3}|x{3,}\b|X{3,}\b"
    r"|@Microsoft\.KeyVault|!(?:Ref|Sub|GetAtt|ENV)\b|\[?\(?(?:redacted|hidden|masked|removed|filtered|omitted|scrubbed|secret value)\b"
    r"|(?:os|self|args|cfg|config|conf|settings|env|process|secrets|vars?|local|data|input|get\w{0,30}|request|ctx|options|opts|params"
    r"|this|credentials?|creds|user|module|each|each\.value|ansible|lookup|steps|inputs|github|variables|parameters|import\w{0,20}"
    r"|resource\w{0,20}|base64\w{0,20}|reference|await|new|lambda|function|def|click|typer|Field|Depends)"
    r"(?:[.(\[]|\s+[A-Za-z_]\w{0,60}\())",
    re.IGNORECASE,
)
_WORDS = (
    r"(?:none|null|nil|nul|true|false|undefined|yes|no|on|off|required|optional|empty|and|or|is|was|for|must|not|never|expired|expires"
    r"|invalid|missing|incorrect|wrong|mismatch|unset|unknown|unused|set|n/?a|see|stored|provided|needed|default|failed|ok|enabled|disabled"
    r"|rejected|accepted|denied|changed|rotated|found|string|str|bytes|text|int|integer|bool|boolean|optional\[\w*\]|secretstr|any|object"
    r"|erforderlich|ungültig|falsch|abgelaufen|vergessen|requis|expiré|obligatoire|oublié|requerid[oa]|obligatori[oa]|inválid[oa]|incorrect[oa]|vencid[oa]"
    r"|vereist|verlopen|vergeten|wymagane|nieprawidłowe|требуется|неверный|obbligatori[oa]|scadut[oa]|errat[oa]|必須|无效|错误"
    r"|managed_?identity|workload_?identity|service_?principal|shared_?key|azure_?cli|environment|input|loaded|valid|refreshed|created|updated|deleted|received|sent|using|the|an?|in|to|of|from|with|your|here|todo|changeme)"
)
_ONE_WORD = re.compile(_WORDS, re.IGNORECASE)
_WORD_FIRST = re.compile(_WORDS + r"(?![^\s\"'`,;:.!?()\[\]{}&|])", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z_][\w.]{0,80}\((?:[\w.,\"'= -]{0,80}\))?")
_PATH = re.compile(
    r"(?:[A-Za-z]:[\\/]|\\\\[\w.-]|file:|~/|\.{1,2}[\\/]|/(?:etc|mnt|home|run|var|usr|opt|tmp|root|secrets?|app|data|dev|srv|proc|sys|bin"
    r"|lib|shared|workspace|work|batch|Users|src|kaggle|content|vol|fsmounts)(?:/|$)|[\w./\\ -]{1,200}\.(?:pem|key|crt|cer|pfx|p12|json|ya?ml|txt"
    r"|toml|ini|env|cfg|conf|exr|png|jpe?g|blend|py|js|ts|log|csv|xml|lic|dat|gpg|pub|jks|sh|md|html?|tf|bicep|mp4|mov|tiff?)$)"
)
_NUMBER = re.compile(r"[-+~]?\d[\d.,:/x%e+-]{0,18}\s?(?:[a-zA-Zµ%]{0,3}(?:/s)?)?")
_SYMBOLS = re.compile(r"[^\w\s.:/,+=\\'\"()\[\]<>|-]")
_PARTS = re.compile(r"[A-Za-z0-9+/=]{8,}")
_BYTES = re.compile(r"[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==")  # 32 and 64 bytes in base64
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TOOL = re.compile(
    r"(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-\S+|sha(?:1|256|384|512)[-:=]\S*|md5[-:=]?\S*|v?\d+(?:\.\d+)+\S*|refs/\S+|https?://[\w.-]+(?::\d+)?/?|\d{4}-\d\d-\d\d\S*)"
)
_CHANGES = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")
_LONG_WORD = re.compile(r"[A-Za-z0-9+/_=-]{16,}")


def is_nothing(value: str, *, quoted: bool = False) -> bool:
    """Whether this stands for a value: a variable, a placeholder, the word for none, a call in a program.

    In quotes a word for none stands alone; without them, more words may follow.
    """
    value = value.strip("\"'` \t")
    if not value or _HOLDER.match(value) or _CODE.match(value) or set(value) <= set("*•.…xX#-_?"):
        return True
    return bool(_ONE_WORD.fullmatch(value) if quoted else _WORD_FIRST.match(value))


def is_path(value: str) -> bool:
    """Whether this is where something is, by a folder that everybody has or by a file's ending."""
    return bool(_PATH.match(value.strip("\"'`")))


def is_number(value: str) -> bool:
    """Whether this is a figure with its unit, a date, a version, or a part of a whole."""
    return bool(_NUMBER.fullmatch(value))


def is_address(value: str) -> bool:
    """Whether this is an address in which nothing secret stands."""
    if not value.startswith(
        ("http://", "https://", "tcp://", "unix:", "redis://", "postgres", "mysql:", "amqp", "mongodb")
    ):
        return False
    return (
        "@" not in value and "?" not in value and not any(looks_random(word) for word in _LONG_WORD.findall(value[8:]))
    )


def looks_random(word: str) -> bool:
    """Whether small and large letters and figures change in it as in no word that people write."""
    if len(word) < 8 or word.isdigit():
        return False
    return len(_CHANGES.findall(word)) * 4 >= len(word)


def looks_secret(value: str) -> bool:  # noqa: PLR0911 - a line for each form
    """Whether this is no word, name, figure, path, id or version, but something made to be guessed by nobody."""
    value = value.strip("\"'` \t")
    if len(value) < 6 or is_nothing(value) or is_path(value) or is_number(value):
        return False
    if _GUID.fullmatch(value) or _TOOL.fullmatch(value) or value[0] in "([{<" or is_address(value):
        return False
    if _BYTES.fullmatch(value):
        return True
    bare = re.sub(r"[-_.~+=]", "", value)
    if bare.isalnum() and looks_random(bare) and re.search(r"[a-z]", bare) and re.search(r"[A-Z]", bare):
        return True
    kinds = [bool(re.search(each, value)) for each in ("[a-z]", "[A-Z]", r"\d")]
    if any(looks_random(part) for part in _PARTS.findall(value)):
        return True
    if _SYMBOLS.search(value.rstrip(".,;:!?%")):
        return sum(kinds) >= 2
    return all(kinds) and value.isalnum() and len(value) >= 8 and not re.fullmatch(r"[A-Za-z]+\d{1,4}[A-Z]?", value)


def looks_mixed(value: str) -> bool:
    """Whether letters, figures, and letters of another size or a mark are in it: a password, where one was announced."""
    value = value.strip("\"'` \t")
    if len(value) < 6 or is_nothing(value) or is_path(value) or is_number(value):
        return False
    return bool(re.search(r"\d", value) and re.search("[A-Za-z]", value)) and bool(
        re.search(r"[a-z].*[A-Z]|[A-Z].*[a-z]|[^\w.,:;-]|_", value)
    )
