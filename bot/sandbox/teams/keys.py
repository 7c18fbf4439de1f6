"""The channel's signing key: tokens that prove to the bot that Teams calls, and the documents that publish the key."""

from __future__ import annotations

import json
import time
import uuid
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://api.botframework.com"
LIFETIME = 3600
ENDORSEMENTS = ("msteams", "skype", "webchat", "directline")


@cache
def _process_key() -> rsa.RSAPrivateKey:
    """Making a key costs a tenth of a second of CPU: one for the life of the process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class ChannelKeys:
    """Signs what Teams sends, on the wall clock: the verifying library knows no other."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._key = _process_key()
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self._kid = str(uuid.uuid5(uuid.NAMESPACE_OID, public["n"]))
        self._jwk = {**public, "use": "sig", "kid": self._kid, "x5t": self._kid, "endorsements": list(ENDORSEMENTS)}

    def token(self, service_url: str, *, lifetime: float = LIFETIME, **claims: Any) -> str:
        """A bearer token of the channel for this bot. ``claims`` replace the usual ones; None leaves one out."""
        now = int(time.time())
        payload = {
            "serviceurl": service_url,
            "nbf": now,
            "exp": now + int(lifetime),
            "iss": ISSUER,
            "aud": self._app_id,
            **claims,
        }
        headers = {"kid": self._kid, "x5t": self._kid}
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self._key, algorithm="RS256", headers=headers)

    def jwks(self) -> dict[str, Any]:
        """The key set, each key with the channels it speaks for."""
        return {"keys": [dict(self._jwk)]}

    @staticmethod
    def openid_configuration(jwks_uri: str) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": jwks_uri,
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }
