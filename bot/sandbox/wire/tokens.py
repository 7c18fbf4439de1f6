"""One token issuer for every stand-in: signs bearer tokens, publishes its key, checks what comes back.

Tokens live on the wall clock, never on the sandbox's: the clients that cache and renew them know only that one.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

MANAGEMENT: Final = "https://management.azure.com/"
MANAGEMENT_CLASSIC: Final = "https://management.core.windows.net/"
BATCH: Final = "https://batch.core.windows.net/"
METRICS: Final = "https://metrics.monitor.azure.com"
BOT_FRAMEWORK: Final = "https://api.botframework.com"
GRAPH: Final = "https://graph.microsoft.com"
KEY_VAULT: Final = "https://vault.azure.net"
EVENT_HUBS: Final = "https://eventhubs.azure.net/"

RESOURCES: Final = (MANAGEMENT, MANAGEMENT_CLASSIC, BATCH, METRICS, BOT_FRAMEWORK, GRAPH, KEY_VAULT, EVENT_HUBS)
"""The resources a managed identity may ask a token for."""

LIFETIME: Final = 24 * 3600
"""Seconds a managed identity's token is good for, as on App Service."""

Reason = Literal["malformed", "signature", "expired", "early", "audience", "issuer"]


class TokenRefusedError(Exception):
    """A token that does not open the door, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@cache
def _process_key() -> rsa.RSAPrivateKey:
    """One key for the life of the process: making one costs a tenth of a second, and no sandbox needs its own."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Tokens:
    """Issues and checks RS256 JSON web tokens of one tenant.

    ``issue`` and ``verify`` are two sides of one key; ``jwks`` and ``openid_configuration`` are what a stranger
    (the bot, checking the Bot Connector's calls) needs to check them.
    """

    def __init__(
        self,
        *,
        tenant: str = "",
        client_id: str = "",
        key: rsa.RSAPrivateKey | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.tenant = tenant or str(uuid.uuid5(uuid.NAMESPACE_DNS, "tenant.batchbot.sandbox"))
        self.client_id = client_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, "identity.batchbot.sandbox"))
        self.principal_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"principal.{self.client_id}"))
        self._key = key or _process_key()
        self._now = now
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self._kid = str(uuid.uuid5(uuid.NAMESPACE_OID, public["n"]))
        self._signed = lru_cache(maxsize=64)(self._read)
        self._jwk = {**public, "kid": self._kid, "x5t": self._kid, "use": "sig", "alg": "RS256"}

    @property
    def issuer(self) -> str:
        """The ``iss`` of tokens that name no other."""
        return f"https://sts.windows.net/{self.tenant}/"

    def issue(self, resource: str, *, lifetime: float = LIFETIME, **claims: Any) -> str:
        """A token for ``resource`` (its ``aud``), good for ``lifetime`` seconds from now on the wall clock.

        ``claims`` add to the usual ones or replace them (``iss``, ``appid``, ``exp``, …); a claim given as None is
        left out.
        """
        now = int(self._now())
        payload: dict[str, Any] = {
            "aud": resource,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + int(lifetime),
            "appid": self.client_id,
            "appidacr": "2",
            "idp": self.issuer,
            "oid": self.principal_id,
            "sub": self.principal_id,
            "tid": self.tenant,
            "ver": "1.0",
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self._key, algorithm="RS256", headers={"kid": self._kid, "x5t": self._kid})

    def _read(self, token: str) -> Mapping[str, Any]:
        """The claims that are signed. Raises what jwt raises. It takes longer than most answers, so it is done once."""
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key.public_key(),
            algorithms=["RS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        return MappingProxyType(claims)

    def verify(
        self, token: str, audience: str | Iterable[str], *, issuer: str | None = None, leeway: float = 300
    ) -> Mapping[str, Any]:
        """The claims of ``token``, when this issuer signed it for ``audience`` (any one of several) and it is in date.

        A trailing slash of an audience does not count. ``issuer`` None accepts any ``iss``, for the signature
        already says who made it. Raises `TokenRefusedError`.
        """
        wanted = {name.rstrip("/") for name in ([audience] if isinstance(audience, str) else audience)}
        try:
            claims = self._signed(token)
        except jwt.InvalidSignatureError as error:
            raise TokenRefusedError("signature", str(error)) from None
        except jwt.InvalidTokenError as error:
            raise TokenRefusedError("malformed", str(error)) from None
        now = self._now()
        if not _number(claims.get("exp")) or claims["exp"] + leeway <= now:
            raise TokenRefusedError("expired", f"exp {claims.get('exp')}")
        if _number(claims.get("nbf")) and claims["nbf"] - leeway > now:
            raise TokenRefusedError("early", f"nbf {claims['nbf']}")
        aud = claims.get("aud")
        held = aud if isinstance(aud, list) else [aud]
        if not any(isinstance(name, str) and name.rstrip("/") in wanted for name in held):
            raise TokenRefusedError("audience", f"aud {aud!r}")
        if issuer is not None and claims.get("iss") != issuer:
            raise TokenRefusedError("issuer", f"iss {claims.get('iss')!r}")
        return claims

    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON web key set."""
        return {"keys": [dict(self._jwk)]}

    def openid_configuration(self, jwks_uri: str, *, issuer: str | None = None) -> dict[str, Any]:
        """The discovery document that leads to ``jwks_uri``."""
        return {
            "issuer": issuer or self.issuer,
            "jwks_uri": jwks_uri,
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
