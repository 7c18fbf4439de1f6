"""Secrets on command lines: options that stand for a password in one program and for something else in another.

Options whose name says what they are (``--password``, ``--account-key``) are :mod:`bot.content.redaction.pairs`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.content.redaction.values import is_nothing

Span = tuple[int, int]

_ARG = r"(?:\"((?:[^\"\\\n]|\\.)++)\"|'([^'\n]++)'|([^\s\"']\S*+))"
_SEP = r"(?:[ \t]+|=)"

# Programs, and where their secret is: a pattern behind a space, before the argument.
_OPTIONS: tuple[tuple[str, str], ...] = (
    ("curl|http|httpie|wget|aria2c", r"(?:-u|--user|-U|--proxy-user|--http-user|-a|--auth)[ =]?[\"']?[^\s:\"']{0,100}:"),
    ("mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mysqlimport|mycli", r"-p"),
    ("7z|7za|7zz|rar|unrar", r"-(?:h?p)"),
    ("docker|podman|nerdctl|buildah", rf"-p{_SEP}(?![\d.:/-]+(?:tcp|udp)?(?:\s|$))"),
    ("az|skopeo|helm|azcopy|sshpass|mongo|mongosh|mongodump|mongorestore|influx|cqlsh|oc|argocd|cf"
     "|signtool|certutil|odo|svn|cosign|hg|nats|couchbase-cli|jf|jfrog|vncviewer|steamcmd", rf"(?:-p|/p){_SEP}"),
    ("sshpass", "-p"),
    ("docker|podman", r"-p(?=[^\s\"'-]*[^\s\"':0-9/.-])(?=[^\s:]+(?:\s|$))"),
    ("redis-cli|keydb-cli|valkey-cli", rf"(?:-a|--pass){_SEP}"),
    ("ldapsearch|ldapadd|ldapmodify|ldapdelete|ldapwhoami|ldappasswd", rf"(?:-w|-s){_SEP}?"),
    ("sqlcmd|bcp|osql|isql|tsql", rf"-P{_SEP}?"),
    ("unzip|zip|zipinfo|funzip", rf"-P{_SEP}?"),
    ("openssl", r"(?:-passin|-passout|-pass|-password|-passwd)[ =](?:pass:)"),
    ("openssl", rf"(?:-k|-K|-kfile|-hmac|-macopt){_SEP}(?:hexkey:|key:)?"),
    ("smbclient|smbget|rpcclient|wmic|winexe|net|smbmap|crackmapexec|mount\\.cifs", r"(?:-U|--user)[ =]?[\"']?[^\s%\"']{0,100}%"),
    ("smbmap|rdesktop|ipmitool|xfreerdp|psexec|winrs|crackmapexec|evil-winrm", rf"(?:-p|-P){_SEP}"),
    ("xfreerdp|cmdkey|wfreerdp|schtasks|mstsc|winrs", r"/(?:p|pass|rp|password)[: ]"),
    ("lftp|ncftp|ftp|tnftp", r"-u[ =]?[^\s,]{1,100},"),
    ("mount|mount\\.cifs|sshfs|rclone", r"(?:-o[ =]?)?(?:[\w.=,-]{0,200},)?(?:pass|password|pass2)[= ]"),
    ("keytool|jarsigner|apksigner", r"-(?:storepass|keypass|srcstorepass|deststorepass|destkeypass)(?::env)?[ =]"),
    ("rabbitmqctl", r"(?:add_user|change_password|authenticate_user)[ \t]+[\w.@-]{1,60}[ \t]+"),
    ("htpasswd", r"-\w{0,6}b\w{0,6}[ \t]+(?:-\w+[ \t]+){0,3}[\w./-]{1,200}[ \t]+[\w.@-]{1,60}[ \t]+"),
    ("htpasswd", r"-\w{0,6}n\w{0,6}b\w{0,6}[ \t]+[\w.@-]{1,60}[ \t]+"),
    ("aws", r"(?:set|configure set)[ \t]+(?:[\w.-]{1,60}\.)?aws_(?:secret_access_key|session_token|access_key_id)[ \t]+"),
    ("npm|yarn|pnpm|pip|pip3|git|gh|heroku|firebase|gcloud|composer|poetry|bundle|conda", r"(?:set|config|config:set|-c)[ \t]+[\"']?[^\s\"']{0,120}(?:_auth\w*|token|password|secret|key)[ \t=]+"),
    ("vault", r"(?:login|unseal|operator unseal)[ \t]+(?:-\S+[ \t]+){0,4}(?!-)"),
    ("rclone", r"obscure[ \t]+"),
    ("net", r"(?i:user)[ \t]+[\w.\\-]{1,60}[ \t]+(?!/)"),
    ("net", r"(?i:use)[ \t]++(?:(?:[A-Za-z]:|\*)[ \t]*+)?\\\\[^\s]{1,200}[ \t]+(?![/\\])"),
    ("wandb|huggingface-cli|hf|railway|fly|flyctl|snyk|codecov|ngrok|tailscale|comet|neptune|doctl|linode-cli",
     r"(?:login|auth|authtoken|add-authtoken|config add-authtoken|up)[ \t]+(?:--?[\w-]+[ =]){0,2}(?=\S{12})"),
    ("az|vault|heroku|gcloud|op|chamber|doppler", r"(?:keyvault|secrets?|kv)[ \t][^\n|]{0,200}?--(?:value|secret|data)[ =]"),
    ("net", r"(?i:use)[ \t][^\n]{0,200}?/(?i:user):\S{1,100}[ \t]+(?!/)"),
    ("mc|mcli", r"(?:alias set|config host add)[ \t]+\S{1,60}[ \t]+\S{1,200}[ \t]+\S{1,200}[ \t]+"),
    ("wpa_passphrase", r"[^\s]{1,60}[ \t]+"),
    ("useradd|usermod|adduser", rf"(?:-p|--password){_SEP}"),
    ("gpg|gpg2", r"--passphrase[ =]"),
    ("borg|restic|duplicity|cryptsetup|zpool|ansible-vault|sops", r"(?:--passphrase|--password)[ =]"),
    ("kubectl|oc|helm|docker", r"--(?:from-literal|set|set-string|build-arg|secret)[ =][\"']?(?:[\w.-]{1,60}=[^,\s]{1,100},){0,5}[\w.-]{0,60}(?:pass|passwd|password|secret|token|key|cred)[\w.-]{0,20}="),
    ("wg|wireguard", r"(?:PrivateKey|PresharedKey)[ \t]*=[ \t]*"),
    ("expect|send|spawn", r"send[ \t]+(?:--[ \t]+)?(?=[\"'][^\"']{4,100}\\r)"),
    ("nmcli|wpa_passphrase|iwconfig", r"(?:password|wifi-sec\.psk|802-11-wireless-security\.psk|key)[ \t]+"),
    ("runas|psexec|at", r"(?:/savecred|-p)[ \t]+"),
    ("deadlinecommand", r"-\w{0,40}Password[ \t]+[\w.@\\-]{1,60}[ \t]+(?!-)"),
    ("schtasks|xfreerdp|mstsc|winrs|cmdkey|psexec|sc|wmic|msdeploy", r"(?i:/(?:rp|p|pass|password))[: \t=]+"),
    ("snmpwalk|snmpget|snmpset|snmpbulkwalk|snmpbulkget|snmptrap|snmpgetnext|snmptable|onesixtyone", rf"(?:-c|-A|-X){_SEP}"),
    ("influx|telegraf", rf"(?:-t|--token){_SEP}"),
    ("mosquitto_pub|mosquitto_sub|mosquitto_rr|p4", rf"(?:-P|--pw){_SEP}"),
    ("cypher-shell|beeline|security", rf"(?:-p){_SEP}(?!\\d{{2,5}}\\b)"),
    ("ssh-keygen|openssl", rf"(?:-N|-P){_SEP}"),
    ("mc|mcli", r"admin user add[ \t]+\S{1,60}[ \t]+\S{1,60}[ \t]+"),
    ("wg|wg-quick", r"(?:preshared-key|private-key)[ \t]+(?!/)"),
    ("bitsadmin", r"(?i:/setcredentials)[ \t]+(?:\S{1,100}[ \t]+){4}"),
    ("kadmin", rf"(?:-w|-pw){_SEP}"),
    ("b2|backblaze-b2", r"(?:authorize-account|account authorize)[ \t]+\S{1,60}[ \t]+"),
    ("uplink", r"access import[ \t]+"),
    ("databricks", r"put-secret[ \t][^\n]{0,100}?--string-value[ =]"),
    ("mysqlsh", r"(?:--uri[ =])?[\w.-]{1,40}:(?=\S{1,100}@)"),
    ("poetry", r"config[ \t]+http-basic\.\S{1,60}[ \t]+\S{1,60}[ \t]+"),
    ("conda", r"token[ \t]+set[ \t]+"),
    ("anaconda", rf"(?:-t|--token){_SEP}"),
    ("pulumi", r"config set[ \t]+(?:--?\S{1,40}[ \t]+){0,3}?--secret[ \t]+(?:--?\S{1,40}[ \t]+){0,3}?[\w:.-]{1,60}[ \t]+"),
    ("chpasswd", r"[\w.-]{1,40}:"),
)  # fmt: skip
_TABLE = [
    (frozenset(programs.replace("\\.", ".").split("|")), re.compile(rf"(?:(?<=[\s\"'`])|^)(?:{option}){_ARG}"))
    for programs, option in _OPTIONS
]
_PROGRAMS = frozenset(each for every, _ in _TABLE for each in every)
_ON_WINDOWS = frozenset(
    [
        "psexec",
        "schtasks",
        "cmdkey",
        "sqlcmd",
        "certutil",
        "signtool",
        "msdeploy",
        "deadlinecommand",
        "runas",
        "bcp",
        "winrs",
    ]
)
_PROGRAM = re.compile(r"(?<![\w.-])([A-Za-z0-9][A-Za-z0-9._-]{1,20}?)(\.exe)?(?=[\s\"'])")
_DIVIDED = re.compile(r"(?<!\\)(?<!\^)\n|\||&&|;(?=\s)")

# echo SECRET | docker login --password-stdin, and what else is piped into a question for a password
_PIPED = re.compile(
    r"(?:\b(?:echo|printf|print|Write-Output|Write-Host)|<<<)[ \t]+(?:-[neE]+[ \t]+|[\"']?%s(?:\\n)?[\"']?[ \t]+|--[ \t]+)?"
    + _ARG
    + r"[ \t]*\|[^\n|]{0,300}?(?:--?password-stdin|--?with-token|sudo[ \t]+(?:-\w+[ \t]+)*-\w*S|--?passphrase-fd|--?stdin\b|passwd\b|chpasswd|"
    r"cryptsetup|kinit|gpg\b|-passin[ \t]+stdin|-pass[ \t]+stdin|ansible-vault|login\b|vault[ \t]+(?:login|kv)|smbpasswd|secret create|secrets? (?:set|put|versions add))"
)
_HERE = re.compile(
    r"(?:--?password-stdin|--?with-token|secret[ \t]+create|sudo[ \t]+-S\b|chpasswd|passwd\b|kinit\b|gpg\b)[^\n|]{0,200}?<<<[ \t]*"
    + _ARG
)
_CHPASSWD = re.compile(r"[\w.$-]{1,60}:(?=\S)")


def commands(text: str) -> Iterator[Span]:
    """Where arguments are that are secret."""
    if "|" in text or "<<<" in text:
        for pattern in (_PIPED, _HERE):
            for found in pattern.finditer(text):
                start, end = _argument(found)
                if "chpasswd" in found.group() and (user := _CHPASSWD.match(text, start, end)):
                    start = user.end()
                if not is_nothing(text[start : start + 100]):
                    yield start, end
    if _PROGRAMS.isdisjoint(map(_program, _PROGRAM.finditer(text))):
        return
    start = 0
    for divider in [*_DIVIDED.finditer(text), None]:
        end = divider.start() if divider else len(text)
        yield from _of_command(text, start, end)
        start = divider.end() if divider else end


def _program(found: re.Match[str]) -> str:
    """The program that is called; Windows does not mind how it is written."""
    name = found[1].lower()
    return name if found[2] or name in _ON_WINDOWS or found[1].isupper() else found[1]


def _of_command(text: str, start: int, end: int) -> Iterator[Span]:
    programs: dict[str, int] = {}
    for found in _PROGRAM.finditer(text, start, end):
        if (name := _program(found)) in _PROGRAMS:
            programs.setdefault(name, found.end())
    if not programs:
        return
    for names, pattern in _TABLE:
        places = [programs[name] for name in names & programs.keys()]
        if not places:
            continue
        for found in pattern.finditer(text, min(places), end):
            begin, stop = _argument(found)
            if not is_nothing(text[begin : begin + 100]) and not text.startswith(
                ("-", "/dev/", "@", "env:", "file:"), begin
            ):
                yield begin, stop


def _argument(found: re.Match[str]) -> Span:
    last = found.lastindex or 0
    start, end = found.span(last)
    if last % 3 == 0:  # bare: without a quote or bracket that was opened before
        end = start + len(found[last].rstrip("\"'`)];")) or end
    return start, end
