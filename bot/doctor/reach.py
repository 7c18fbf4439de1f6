"""Whether what the bot calls answers from here, and whether the bot answers at its public address."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp
import msgspec

from bot.doctor.finding import Finding, broken, fine, look
from bot.settings import is_loopback
from bot.settings_file import Settings

_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=8)
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
_WORDS = ("ok", "degraded", "dead")
"""What ``/health`` says of this program."""
PUBLIC = "public address"
CALLED = {"slack": "/slack/events", "teams": "/api/messages"}
"""Where the platforms call the bot."""


async def prices(url: str) -> list[Finding]:
    """Whether the price list answers."""
    what = "prices"
    if not url:
        return [fine(what, "switched off (bot.prices_url is empty)")]
    host = urlsplit(url).hostname or url
    here = is_loopback(host)
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=not here) as session,
            session.get(
                url, params={"$filter": "serviceName eq 'Virtual Machines' and armRegionName eq 'none'"}
            ) as answer,
        ):
            if answer.status == 200:
                return [fine(what, f"{host} answers")]
            found = f"{host} answers {answer.status}"
    except _FAILURES as error:
        found = f"{host} does not answer ({_kind(error)})"
    todo = "let this machine reach it, or set bot.prices_url to an empty text; without it nothing has a price"
    return [look(what, found, todo)]


async def public_url(settings: Settings, *, running: bool) -> list[Finding]:
    """Whether the bot answers at its public address. ``running`` where a bot holds the database now."""
    url = settings.bot.public_url.rstrip("/")
    called = [CALLED[name] for name in settings.platforms if name in CALLED and _is_called(settings, name)]
    if url:
        return [await _answer_of(url, called, settings.bot.listen, running=running)]
    if called:
        todo = "set it to the bot's https address"
        return [broken(PUBLIC, "bot.public_url is empty, and Slack or Teams calls the bot", todo)]
    return [fine(PUBLIC, "none, and none is needed with Socket Mode; pictures in private answers want one")]


async def _answer_of(url: str, called: list[str], listen: str, *, running: bool) -> Finding:
    host = urlsplit(url).hostname or ""
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=not is_loopback(host)) as session:
            is_ours = await _is_ours(session, url, called)
    except _FAILURES as error:
        found = f"{url} does not answer from here ({_kind(error)})"
        if not running and not isinstance(error, aiohttp.ClientConnectorDNSError | aiohttp.ClientSSLError):
            return look(PUBLIC, f"{found}, and no bot runs here", "start the bot (batchbot run), then look again")
        return broken(PUBLIC, found, "check DNS, the certificate, and that the proxy leads to bot.listen")
    if not is_ours:
        todo = f"let the proxy pass {', '.join(called) or '/health'} to bot.listen ({listen})"
        return broken(PUBLIC, f"{url} answers, but not as this program", todo)
    named = "".join(f"; {name.capitalize()} has to have {url}{path}" for name, path in CALLED.items() if path in called)
    if urlsplit(url).scheme != "https":
        todo = "nobody but a stand-in on this machine can call it: give the bot an https address"
        return look(PUBLIC, f"{url} answers{named}", todo)
    return fine(PUBLIC, f"{url} answers as this program{named}")


def _is_called(settings: Settings, name: str) -> bool:
    return getattr(settings.platforms[name], "mode", "http") == "http"


async def _is_ours(session: aiohttp.ClientSession, url: str, called: list[str]) -> bool:
    """By ``/health``, or where a proxy keeps that inside, by how it refuses whoever is neither Slack nor Teams."""
    async with session.get(f"{url}/health", allow_redirects=False) as answer:
        try:
            told = msgspec.json.decode(await answer.read())
        except msgspec.DecodeError:
            told = None
        if isinstance(told, dict) and told.get("status") in _WORDS:
            return True
    for path in called:
        async with session.post(f"{url}{path}", json={}, allow_redirects=False) as answer:
            if answer.status == 401:
                return True
    return False


def _kind(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate is not accepted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection"
    return "not in time" if isinstance(error, TimeoutError) else type(error).__name__
