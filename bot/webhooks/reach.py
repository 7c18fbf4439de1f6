"""Which addresses a webhook may have: of the public internet, and of networks that the settings name.

The names of a receiver are looked up here, and the connection goes to the very addresses that were checked: a name that
means another address a moment later (DNS rebinding) leads nowhere else. No proxy is used, since it would look the name
up by itself.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from bot.settings import is_loopback

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PUBLIC = ipaddress.ip_network("2000::/3")
"""Where IPv6 addresses of the public internet are; what IANA gave for other uses outside of it (site-local, IPv4 inside
of IPv6, local NAT64, segments of routes) Python does not call private everywhere."""
_INSIDE = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "168.63.129.16/32")))
"""IPv4 addresses that look public and are not: those of protocols (RFC 6890; some clouds' metadata is among them), and
Azure's own of each virtual network (learn.microsoft.com, "What is IP address 168.63.129.16?")."""
_MOST = 65_536
"""Bytes of an answer's head; its body is not read."""


class ForbiddenAddressError(OSError):
    """A receiver's name means an address that is not allowed; the message says which kind, and what allows it."""


def allowed(address: str, networks: Iterable[str], *, here: bool) -> bool:
    """Whether an IP address may be called. ``here`` where the settings name this machine themselves."""
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    found = _meant(found)
    if any(found in ipaddress.ip_network(each) for each in networks if _version(each) == found.version):
        return True
    if found.is_loopback:
        return here
    public = found in _PUBLIC if found.version == 6 else not any(found in each for each in _INSIDE)
    return public and found.is_global and not found.is_multicast


def _meant(address: Address) -> Address:
    """The IPv4 address within an IPv6 one that leads to it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _version(network: str) -> int:
    return ipaddress.ip_network(network).version


def check_literal(url: URL, networks: Iterable[str]) -> None:
    """A host that is an IP address is never looked up. Raises ForbiddenAddressError."""
    host = url.host or ""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not allowed(host, networks, here=is_loopback(host)):
        raise _forbidden()


def _forbidden() -> ForbiddenAddressError:
    return ForbiddenAddressError(
        "has an address that is not of the public internet: name its network in webhooks.networks"
    )


class GuardedResolver(AbstractResolver):
    """Looks names up, and gives only addresses that may be called."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(networks)
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ForbiddenAddressError where none of them may be called."""
        found = await self._resolver.resolve(host, port, family)
        fine = [each for each in found if allowed(each["host"], self._networks, here=is_loopback(host))]
        if found and not fine:
            raise _forbidden()
        return fine

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()


def guarded_session(networks: Iterable[str], seconds: float) -> aiohttp.ClientSession:
    """A session for one receiver, which keeps no cookies and goes by no proxy."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=GuardedResolver(networks), use_dns_cache=False, limit=2),
        timeout=aiohttp.ClientTimeout(total=seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=_MOST // 8,
        max_field_size=_MOST // 8,
        trust_env=False,
        auto_decompress=False,
    )
