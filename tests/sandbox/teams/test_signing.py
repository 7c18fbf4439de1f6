"""What the stand-in sends is believed by Microsoft's own authentication, and a forgery is not."""

from __future__ import annotations

import asyncio

import jwt
import pytest
from botbuilder.schema import Activity
from botframework.connector.auth import (
    AuthenticationConfiguration,
    BotFrameworkAuthentication,
    BotFrameworkAuthenticationFactory,
    PasswordServiceClientCredentialFactory,
)

from tests.sandbox.teams.scene import APP, Scene, verify


def _authentication(scene: Scene, app_id: str = APP) -> BotFrameworkAuthentication:
    return BotFrameworkAuthenticationFactory.create(
        validate_authority=True,
        to_channel_from_bot_login_url="https://login.microsoftonline.com/botframework.com",
        to_channel_from_bot_oauth_scope="https://api.botframework.com",
        to_bot_from_channel_token_issuer="https://api.botframework.com",
        oauth_url="https://api.botframework.com",
        to_bot_from_channel_open_id_metadata_url=scene.teams.openid_url,
        to_bot_from_emulator_open_id_metadata_url=scene.teams.openid_url,
        caller_id="",
        credential_factory=PasswordServiceClientCredentialFactory(app_id, "unused"),
        auth_configuration=AuthenticationConfiguration(),
    )


async def _authenticate(scene: Scene, header: str, app_id: str = APP, **changed: str) -> object:
    """As a bot would; off the loop, because the library fetches keys with blocking calls from this very process."""
    activity = Activity().deserialize(scene.bot.got[-1] | changed)
    made = _authentication(scene, app_id)
    return await asyncio.to_thread(lambda: asyncio.run(made.authenticate_request(activity, header)))


async def test_microsofts_library_believes_it(stage: Scene) -> None:
    await stage.teams.say("viewer", "viewer", "hello")
    result = await _authenticate(stage, stage.bot.headers[-1]["Authorization"])
    assert result.claims_identity.is_authenticated  # type: ignore[attr-defined]
    assert result.claims_identity.claims["serviceurl"] == stage.bot.got[-1]["serviceUrl"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "claims",
    [
        {"lifetime": -3600},
        {"aud": "another-app"},
        {"aud": None},
        {"iss": "https://sts.windows.net/elsewhere/"},
        {"serviceurl": "https://evil.example/"},
        {"serviceurl": None},
    ],
)
async def test_microsofts_library_refuses_what_is_wrong(stage: Scene, claims: dict[str, object]) -> None:
    await stage.teams.say("viewer", "viewer", "hello")
    with pytest.raises((PermissionError, jwt.PyJWTError)):
        await _authenticate(stage, f"Bearer {stage.teams.token(**claims)}")


async def test_the_key_speaks_for_teams_alone(stage: Scene) -> None:
    await stage.teams.say("viewer", "viewer", "hello")
    with pytest.raises(Exception, match="endorsement"):
        await _authenticate(stage, stage.bot.headers[-1]["Authorization"], channelId="telegram")


async def test_the_documents_lead_to_the_key(stage: Scene) -> None:
    async with stage.session.get(stage.teams.openid_url) as got:
        document = await got.json()
    assert (document["issuer"], document["id_token_signing_alg_values_supported"]) == (
        "https://api.botframework.com",
        ["RS256"],
    )
    async with stage.session.get(document["jwks_uri"]) as got:
        [key] = (await got.json())["keys"]
    assert "msteams" in key["endorsements"]
    header = jwt.get_unverified_header(stage.teams.token())
    assert (header["kid"], header["alg"]) == (key["kid"], "RS256")
    claims = jwt.decode(stage.teams.token(), jwt.PyJWK(key).key, algorithms=["RS256"], audience=APP)
    assert claims["exp"] > claims["nbf"]
    assert "d" not in key


def test_the_check_of_these_tests_can_say_no() -> None:
    with pytest.raises(PermissionError):
        verify("graph", "https://api.botframework.com")
