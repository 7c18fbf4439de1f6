"""Which addresses that came from outside are called: those of the platforms themselves, and no others.

Platforms send addresses with what they send: where to answer (``response_url``, a service URL), where a file is. To
call one sends it a token, a card or a question from inside the network. So each is held against the hosts of its
platform: https alone, the host exactly or below it, no user and no port of its own. Whoever calls follows no redirects.

What an address is differs between parsers; whatever they could read differently is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from bot.settings import is_loopback

_STRANGE = re.compile(r"[\x00-\x20\x7f\\]")
"""What one parser drops and another does not."""
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\]")
"""A host as it stands on the wire, in small letters: no other alphabets, no final dot, nothing percent-encoded."""


def may_call(url: str, hosts: Iterable[str], *, below: bool = False, query: bool = True, own: str = "") -> bool:
    """Whether an address may be called: https to a listed host, with ``below`` to what is below one too.

    A host is listed as ``host`` or ``host:port``. One of this machine (a stand-in) may be called by http and on any
    port. ``own`` is an address of the settings: its very server may be called too. ``query`` False refuses a query.
    """
    parts = _parts(url)
    if parts is None or (parts.query and not query) or (parts.fragment and not query):
        return False
    if own and (server := _parts(own)) and _server(parts) == _server(server):
        return True
    host, port = parts.hostname or "", parts.port
    listed = [name.strip().lower() for name in hosts]
    if is_loopback(host):
        return host in listed or f"{host}:{port}" in listed
    if parts.scheme != "https":
        return False
    if port is not None and port != 443:
        return f"{host}:{port}" in listed
    return host in listed or (below and any(each and host.endswith(f".{each}") for each in listed))


def host_of(url: str) -> str:
    """The host of an address, for the log; empty where it has none that can be read."""
    parts = _parts(url)
    return (parts.hostname or "") if parts else ""


def same_host(url: str, other: str) -> bool:
    """Whether an address is on the very server of another one."""
    one, two = _parts(url), _parts(other)
    return one is not None and two is not None and _server(one) == _server(two)


def _parts(url: str) -> SplitResult | None:
    """An address in its parts; None where it is none, or not every parser would read it alike."""
    if _STRANGE.search(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.netloc.lower()
    if port is not None:
        host = host.rpartition(":")[0]
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):  # a user, or an empty port, is no host
        return None
    return parts


def _server(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
