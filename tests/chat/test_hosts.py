"""Which addresses that came from outside are called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from hypothesis import example, given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs
from yarl import URL

from bot.azure.errors import AzureError
from bot.azure.pipeline import Clock
from bot.azure.plane import Plane
from bot.chat.budget import Budget, Priority
from bot.chat.hosts import host_of, may_call, same_host
from bot.chat.port import Undelivered
from bot.chat.request import Conversation
from bot.chat.slack import hosts, outbound
from bot.chat.slack.adapter import LIMITS
from bot.chat.slack.messages import Messages
from bot.chat.slack.settings import SlackSettings
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.keys import Keys
from bot.chat.teams.outbound import Outbound, allowed
from bot.chat.teams.settings import TeamsSettings

SLACK = SlackSettings().api_url
TEAMS = TeamsSettings(app_id="a", tenant_id="t")
BATCH = Plane(mock.Mock(), "https://render.westeurope.batch.azure.com", "1", Clock())
"""One account's data plane, whose next links are followed with its token."""


CALLS = {
    "an answer on Slack": (lambda url: hosts.answers(url, SLACK), "hooks.slack.com"),
    "a file on Slack": (lambda url: hosts.ours(url, SLACK), "files.slack.com"),
    "a service URL": (lambda url: allowed(url, TEAMS.service_hosts), "smba.trafficmanager.net"),
    "a file on Teams": (lambda url: may_call(url, TEAMS.file_hosts, below=True), "contoso.sharepoint.com"),
}
"""What calls each address, and a host that it may be on."""
LISTED = {"a file on Slack": "slack.com", "a file on Teams": "sharepoint.com"}
"""The host that is listed, where everything below it may be called."""

GOOD = ["https://HOST/x", "https://HOST", "https://HOST:443/x/y", "HTTPS://HOST/x"]
NASTY = [
    "http://HOST/x",
    "ftp://HOST/x",
    "//HOST.evil.example/x",
    "https://evil-HOST/x",
    "https://evilHOST/x",
    "https://HOST.evil.example/x",
    "https://HOST@evil.example/x",
    "https://user@HOST/x",
    "https://user:pass@HOST/x",
    "https://@HOST/x",
    "https://HOST:8443/x",
    "https://HOST:80/x",
    "https://HOST:99999/x",
    "https://HOST:/../@evil.example/x",
    "https://HOST./x",
    "https://HOST%2eevil.example/x",
    "https://HOST%00.evil.example/x",
    "https://HOST\\@evil.example/x",
    "https://evil.example\\@HOST/x",
    "https://evil.example#@HOST/x",
    "https://evil.example?@HOST/x",
    "https://evil.example/HOST",
    "https:///HOST/x",
    "https:/\\evil.example/x",
    "https://HO\u0455T/x",
    "https://\uff28OST/x",
    "https://HOST\u3002evil.example/x",
    "https://127.0.0.1/x",
    "http://127.0.0.1/x",
    "http://localhost/x",
    "https://[::1]/x",
    "https://169.254.169.254/metadata",
    "https://2130706433/x",
    "https://[",
    "file:///etc/passwd",
    "javascript:alert(1)",
]


def at(url: str, host: str) -> str:
    return url.replace("HOST", host).replace("OST", host[1:])


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("url", GOOD)
def test_the_platforms_own_hosts_are_called(what: str, url: str) -> None:
    may, host = CALLS[what]
    assert may(at(url, host))
    assert may(at(url, host.upper())), "a host has no case"


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("url", NASTY)
def test_no_other_address_is_called(what: str, url: str) -> None:
    may, host = CALLS[what]
    assert not may(at(url, LISTED.get(what, host)))


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r", "\x00", "\x7f"])
@pytest.mark.parametrize("what", CALLS)
def test_what_one_parser_drops_is_in_no_address(what: str, space: str) -> None:
    may, host = CALLS[what]
    for url in (f"https://{host}{space}/x", f"https://{host}{space}.evil.example/x", f"ht{space}tps://{host}/x"):
        assert not may(url)


@pytest.mark.parametrize("url", NASTY)
def test_a_next_link_of_azure_stays_on_its_account(url: str) -> None:
    """It may be relative, so that it is read as it will be sent."""
    try:
        sent = URL(BATCH.own(at(url, BATCH.host)))
    except AzureError as error:
        assert error.code == "ForeignNextLink"
    else:
        assert (sent.scheme, sent.host, sent.port, sent.user) == ("https", BATCH.host, 443, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil-smba.trafficmanager.net/teams",
        "https://evilsmba.trafficmanager.net/teams",
        "https://evil.smba.trafficmanager.net/teams",
        "https://trafficmanager.net/teams",
        "https://smba.trafficmanager.net.evil.example/teams",
        "https://smba.trafficmanager.network/teams",
        "https://smba.trafficmanager.net/teams?to=evil.example",
        "https://smba.trafficmanager.net/teams#evil.example",
        "https://smba.trafficmanager.net:444/teams",
        "http://smba.trafficmanager.net/teams",
    ],
)
def test_the_token_for_teams_goes_to_its_own_host_alone(url: str) -> None:
    """Anybody may have a name below trafficmanager.net."""
    assert not allowed(url, ["smba.trafficmanager.net"])
    assert allowed("https://smba.trafficmanager.net/emea/", ["smba.trafficmanager.net"])


@pytest.mark.parametrize("host", ["evil-smba.trafficmanager.net", "smba.trafficmanager.net.evil.example"])
async def test_no_call_is_made_to_another_service_url(host: str) -> None:
    """It may be kept from long ago, or have changed with what was received since."""
    conversation = Conversation("teams", "19:c@thread.tacv2", service_url=f"https://{host}/teams")
    references, call = mock.Mock(), mock.AsyncMock()
    references.current.return_value = conversation
    out = Outbound(mock.Mock(), references, mock.Mock(), TEAMS.service_hosts, seals=mock.Mock())
    with capture_logs() as logs, pytest.raises(TeamsError, match="ServiceUrlRefused"):
        await out.once(conversation, Priority.ALERT, call)
    assert [each["host"] for each in logs] == [host]
    assert call.mock_calls == []


def test_below_a_host_is_with_a_dot() -> None:
    hosts = [" SharePoint.com ", "", "files.example:8443"]
    assert may_call("https://contoso.sharepoint.com/x", hosts, below=True)
    assert may_call("https://sharepoint.com/x", hosts, below=True)
    assert not may_call("https://contoso.sharepoint.com/x", hosts)
    assert not may_call("https://evilsharepoint.com/x", hosts, below=True)
    assert not may_call("https://anything.example/x", hosts, below=True)
    assert may_call("https://files.example:8443/x", hosts, below=True)
    assert not may_call("https://files.example/x", hosts, below=True)
    assert not may_call("https://a.files.example:8443/x", hosts, below=True)


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("https://a.example/x", "https://A.example:443/y", True),
        ("http://a.example:80/x", "http://a.example", True),
        ("http://a.example/x", "https://a.example/x", False),
        ("https://a.example:8443", "https://a.example", False),
        ("https://a.example", "https://b.example", False),
        ("nonsense", "nonsense", False),
        ("https://a.example", "nonsense", False),
    ],
)
def test_the_very_server_of_another_address(url: str, other: str, same: bool) -> None:
    assert same_host(url, other) is same
    assert may_call(url, [], own=other) is same


def test_the_host_of_what_is_no_address_is_empty() -> None:
    assert (host_of("https://A.example:1/x"), host_of("nonsense"), host_of("https://a@b.example")) == (
        "a.example",
        "",
        "",
    )


def test_an_answer_goes_to_the_hooks_alone() -> None:
    assert not hosts.answers("https://files.slack.com/x", SLACK)
    assert not hosts.answers("https://evil.slack.com/x", SLACK)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("http://127.0.0.1:4000/hooks/1", True),
        ("http://127.0.0.1:4001/hooks/1", False),
        ("https://127.0.0.1:4000/hooks/1", False),
        ("http://localhost:4000/hooks/1", False),
        ("http://u@127.0.0.1:4000/hooks/1", False),
        ("https://hooks.slack.com/1", True),
    ],
)
def test_a_stand_in_is_called_where_the_settings_say_that_it_is(url: str, may: bool) -> None:
    assert hosts.answers(url, "http://127.0.0.1:4000/api/") is may
    assert same_host(url, "http://127.0.0.1:4000/api/") is (may and "127" in url)


PARTS = st.sampled_from(
    [
        "https://",
        "http://",
        "hooks.slack.com",
        "evil.example",
        "@",
        ":",
        "/",
        "\\",
        "#",
        "?",
        ".",
        "443",
        "%2e",
        "[::1]",
    ]
)


@given(st.lists(PARTS | st.text(max_size=3), max_size=8).map("".join))
@example("https://hooks.slack.com:443/x")
def test_every_parser_reads_the_same_host(url: str) -> None:
    if may_call(url, ["hooks.slack.com"], below=True):
        read = URL(url)
        assert (read.scheme, read.port, read.user) == ("https", 443, None)
        assert (read.host or "").endswith("hooks.slack.com")
        assert host_of(url) == read.host


# What is done with them


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[TestServer, list[str]]]:
    """A server that nobody should call, and what it was asked; ``/away`` sends on to it."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/away":
            return web.Response(status=307, headers={"Location": "/taken"})
        return web.json_response({"jwks_uri": "https://evil.example/keys"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield server, asked


def messages_of(api: str) -> Messages:
    parts: list[Any] = [mock.Mock() for _ in range(3)]
    return Messages(AsyncWebClient(base_url=api), Budget(LIMITS), *parts)


@pytest.mark.parametrize("api", [SLACK, "http://127.0.0.1:1/api/"])
async def test_an_answer_is_posted_nowhere_else(elsewhere: tuple[TestServer, list[str]], api: str) -> None:
    server, asked = elsewhere
    with capture_logs() as logs, pytest.raises(Undelivered, match="gone: response_url_elsewhere"):
        await messages_of(api).respond(str(server.make_url("/hook")), {"text": "x"}, private=True, replace=False)
    assert not asked
    assert [(each["event"], each["host"]) for each in logs] == [("slack.response_url_elsewhere", "127.0.0.1")]


async def test_an_answer_follows_no_redirect(elsewhere: tuple[TestServer, list[str]]) -> None:
    server, asked = elsewhere
    with pytest.raises(Undelivered):
        await messages_of(str(server.make_url("/api/"))).respond(
            str(server.make_url("/away")), {"text": "x"}, private=True, replace=False
        )
    assert asked == ["/away"]


async def test_a_file_is_sent_nowhere_else(elsewhere: tuple[TestServer, list[str]]) -> None:
    server, asked = elsewhere
    client = mock.AsyncMock(base_url=SLACK)
    client.files_getUploadURLExternal.return_value = {"upload_url": str(server.make_url("/up")), "file_id": "F1"}
    with pytest.raises(ConnectionError, match="elsewhere"):
        await outbound._sent(client, "a.png", b"x")
    client.base_url = str(server.make_url("/api/"))
    client.files_getUploadURLExternal.return_value["upload_url"] = str(server.make_url("/away"))
    with pytest.raises(ConnectionError, match="307"):
        await outbound._sent(client, "a.png", b"x")
    assert asked == ["/away"]


async def test_keys_come_from_where_the_settings_say(elsewhere: tuple[TestServer, list[str]]) -> None:
    server, asked = elsewhere
    async with ClientSession() as session:
        keys = Keys(str(server.make_url("/openid")))
        keys.open(session)
        with capture_logs() as logs:
            await keys._fetch()
    assert asked == ["/openid"]
    assert "keys are not fetched from evil.example" in str(logs)
