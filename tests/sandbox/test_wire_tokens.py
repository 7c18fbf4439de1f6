"""The token issuer: what it signs it accepts, and nothing else."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox.wire.tokens import BATCH, BOT_FRAMEWORK, MANAGEMENT, MANAGEMENT_CLASSIC, TokenRefusedError, Tokens


def refused(tokens: Tokens, token: str, audience: str = BATCH, **options: str) -> str:
    with pytest.raises(TokenRefusedError) as caught:
        tokens.verify(token, audience, **options)  # type: ignore[arg-type]
    return caught.value.reason


def test_a_token_opens_what_it_was_issued_for() -> None:
    tokens = Tokens()
    claims = tokens.verify(tokens.issue(BATCH, appid="bot"), BATCH)
    assert (claims["appid"], claims["tid"], claims["iss"]) == ("bot", tokens.tenant, tokens.issuer)
    assert tokens.verify(tokens.issue(MANAGEMENT), [MANAGEMENT_CLASSIC, MANAGEMENT.rstrip("/")])


def test_every_reason_to_refuse() -> None:
    now = [1_000_000.0]
    tokens = Tokens(now=lambda: now[0])
    token = tokens.issue(BATCH, lifetime=3600)
    assert refused(tokens, token, BOT_FRAMEWORK) == "audience"
    assert refused(tokens, tokens.issue(BATCH, aud=None)) == "audience"
    assert refused(tokens, token, issuer="https://elsewhere") == "issuer"
    assert refused(tokens, "garbage") == "malformed"
    assert refused(tokens, jwt.encode({"aud": BATCH}, "x" * 32, algorithm="HS256")) == "malformed"
    stranger = Tokens(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert refused(tokens, stranger.issue(BATCH)) == "signature"
    assert refused(tokens, tokens.issue(BATCH, exp=None)) == "expired"
    assert refused(tokens, tokens.issue(BATCH, nbf=now[0] + 301)) == "early"
    now[0] += 3600 + 301
    assert refused(tokens, token) == "expired"


def test_a_stranger_can_check_with_the_published_key() -> None:
    tokens = Tokens()
    assert tokens.openid_configuration("http://x/keys")["jwks_uri"] == "http://x/keys"
    keys = jwt.PyJWKSet.from_json(json.dumps(tokens.jwks()))
    token = tokens.issue("app-id", iss=BOT_FRAMEWORK, serviceurl="http://127.0.0.1:1")
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="app-id", issuer=BOT_FRAMEWORK)
    assert claims["serviceurl"] == "http://127.0.0.1:1"
