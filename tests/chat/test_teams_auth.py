"""Nobody but Teams, for this bot, from this tenant, gets anything done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from bot.chat.teams.adapter import Teams
from bot.chat.teams.errors import KeysUnavailableError, RefusedError
from bot.chat.teams.keys import Keys
from bot.chat.teams.settings import TeamsSettings
from bot.settings import SettingsError
from tests.chat.teams_service import (
    APP,
    OTHER_KEY,
    SDKS,
    TENANT,
    Credential,
    Pictures,
    Service,
    Store,
    World,
    build,
    tear_down,
)


@pytest.fixture(params=SDKS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    world = await build(sdk=request.param)
    yield world
    await tear_down(world)


REFUSED: dict[str, Callable[[Service], str | None]] = {
    "no header": lambda service: None,
    "garbage": lambda service: "garbage",
    "three garbage parts": lambda service: "aaaa.bbbb.cccc",
    "two tokens": lambda service: f"{service.token()} {service.token()}",
    "expired": lambda service: service.token(exp=int(time.time()) - 3600),
    "never expires": lambda service: service.token(exp=None),
    "not yet valid": lambda service: service.token(nbf=int(time.time()) + 3600),
    "unknown key": lambda service: service.token(OTHER_KEY, kid="two"),
    "no key id": lambda service: service.token(kid=""),
    "signed by another key": lambda service: service.token(OTHER_KEY),
    "unsigned": lambda service: service.token(algorithm="none"),
    "other audience": lambda service: service.token(aud="99999999-2222-3333-4444-555555555555"),
    "no audience": lambda service: service.token(aud=None),
    "empty audience": lambda service: service.token(aud=""),
    "list of audiences": lambda service: service.token(aud=[APP]),
    "other issuer": lambda service: service.token(iss="https://login.example/"),
    "no issuer": lambda service: service.token(iss=None),
    "other service url": lambda service: service.token(serviceurl="https://smba.trafficmanager.net/amer/"),
    "no service url claim": lambda service: service.token(serviceurl=None),
    "emulator's issuer": lambda service: service.token(
        iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", ver="1.0", appid=APP
    ),
    "skill's claims": lambda service: service.token(ver="1.0", appid="99999999-2222-3333-4444-555555555555"),
    "anonymous skill": lambda service: service.token(appid="AnonymousSkill"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused(world: World, case: str) -> None:
    token = REFUSED[case](world.service)
    with capture_logs() as logs:
        status, body = await world.post_once(world.activity(text="pool list"), token=token)
    assert (status, body) == (401, None)
    assert not world.intake.asked
    assert not world.store.kept
    assert [(line["event"], line["log_level"]) for line in logs] == [("teams.refused", "warning")]
    assert token is None or all(part not in str(logs[0]) for part in token.split(".") if part)


async def test_other_scheme_is_refused(world: World) -> None:
    status, _ = await world.post_once(world.activity(text="pool list"), scheme="Basic")
    assert status == 401


@pytest.mark.parametrize(
    "missing", [{"serviceUrl": None}, {"serviceUrl": ""}, {"channelId": None}, {"channelId": "emulator"}]
)
async def test_activity_must_name_what_the_token_vouches_for(world: World, missing: dict[str, Any]) -> None:
    status, _ = await world.post_once(world.activity(text="pool list", **missing))
    assert status == 401
    assert not world.intake.asked


async def test_key_of_another_channel_is_refused(world: World) -> None:
    world.service.endorsements = ["webchat"]
    status, _ = await world.post_once(world.activity(text="pool list"))
    assert status == 401
    assert not world.intake.asked


@pytest.mark.parametrize("tenant", [{"id": "another-tenant"}, {"id": ""}, None])
async def test_other_tenant_is_refused(world: World, tenant: dict[str, str] | None) -> None:
    activity = world.activity(text="pool list", channelData={"tenant": tenant})
    activity["conversation"].pop("tenantId")
    with capture_logs() as logs:
        status, _ = await world.post_once(activity)
    assert status == 403
    assert not world.intake.asked
    assert [line["event"] for line in logs] == ["teams.refused"]


async def test_conversation_cannot_overrule_the_channels_tenant(world: World) -> None:
    status, _ = await world.post_once(world.activity(text="x", channelData={"tenant": {"id": "another-tenant"}}))
    assert status == 403


async def test_service_url_outside_the_allow_list_is_refused(world: World) -> None:
    url = "https://evil.example/"
    token = world.service.token(serviceurl=url)
    status, _ = await world.post_once(world.activity(text="pool list", serviceUrl=url), token=token)
    assert status == 403
    assert not world.intake.asked


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"type": 7}', 400),
        (b'{"type": "' + b"x" * 600_000 + b'"}', 413),
    ],
    ids=["empty", "text", "list", "not utf-8", "deep", "wrong type", "large"],
)
async def test_malformed_bodies(world: World, body: bytes, status: int) -> None:
    with capture_logs() as logs:
        assert (await world.post_once(body))[0] == status
    assert [line["event"] for line in logs] == ["teams.refused"]


@pytest.mark.parametrize("before", range(120, 200, 10))
async def test_a_secret_that_the_log_cuts_is_hidden_before(
    world: World, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    secret = "AccountKey=" + "q7Zk" * 21 + "Ag=="

    async def stumble(*_: object) -> None:
        raise ValueError("x" * before + f" DefaultEndpointsProtocol=https;AccountName=a;{secret}")

    monkeypatch.setattr(world.teams._verifier._library, "claims", stumble)
    with capture_logs() as logs:
        assert (await world.post_once(world.activity(text="pool list")))[0] == 401
    assert "q7Zk" not in str(logs)


async def test_before_the_start_nothing_is_accepted() -> None:
    world = await build(start=False)
    assert (await world.post_once(world.activity(text="pool list")))[0] == 503
    await tear_down(world)


@pytest.mark.parametrize(("app", "tenant"), [("", TENANT), (" ", TENANT), (APP, "")])
async def test_an_empty_id_never_switches_authentication_off(app: str, tenant: str) -> None:
    with pytest.raises(SettingsError):
        Teams(TeamsSettings(app_id=app, tenant_id=tenant), Store(), Pictures(), credential=Credential())  # type: ignore[arg-type]


async def test_keys_are_fetched_once_and_not_for_every_unknown_id(world: World) -> None:
    for _ in range(3):
        assert (await world.post_once(world.activity(text="x"), token=world.service.token(kid="made up")))[0] == 401
    assert (await world.post_once(world.activity(text="pool list")))[0] == 200
    assert world.service.key_fetches == 1


async def test_unreachable_keys_are_our_fault_not_the_callers(world: World) -> None:
    await world.service.server.close()
    with capture_logs() as logs:
        status, _ = await world.post_once(world.activity(text="pool list"))
    assert status == 503
    assert [line["event"] for line in logs] == ["teams.keys_unavailable"]


async def test_new_keys_are_looked_for_and_old_ones_outlive_an_outage(world: World) -> None:
    now = 0.0
    keys = Keys(world.service.openid, clock=lambda: now)
    keys.open(world.http)
    await keys.get("one")
    now += 301
    with pytest.raises(RefusedError):
        await keys.get("two")
    assert world.service.key_fetches == 2
    await world.service.server.close()
    now += 25 * 3600
    assert (await keys.get("one")).endorsements == ["msteams"]


async def test_an_outage_is_not_paid_for_by_every_request(world: World) -> None:
    await world.service.server.close()
    with capture_logs() as logs:
        statuses = [(await world.post_once(world.activity(text="x")))[0] for _ in range(3)]
    assert statuses == [503] * 3
    assert len(logs) == 1


async def test_many_first_requests_fetch_the_keys_once(world: World) -> None:
    answers = await asyncio.gather(*(world.post_once(world.activity(text="x", id=str(n))) for n in range(8)))
    assert [status for status, _ in answers] == [200] * 8
    assert world.service.key_fetches == 1


async def test_keys_are_fetched_over_https_only(world: World) -> None:
    keys = Keys("http://login.botframework.com/openid")
    keys.open(world.http)
    with pytest.raises(KeysUnavailableError):
        await keys.get("one")


async def test_two_bots_do_not_share_keys(world: World) -> None:
    other = await build(
        settings=lambda settings: msgspec.structs.replace(settings, app_id="99999999-2222-3333-4444-555555555555")
    )
    assert (await other.post_once(other.activity(text="x")))[0] == 401
    assert (await world.post_once(world.activity(text="x")))[0] == 200
    await tear_down(other)
