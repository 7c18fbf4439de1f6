"""One key vault, as far as its secrets are read: by TLS, with the challenge that its clients expect.

Refusals have the codes and words of "Azure Key Vault REST API error codes" and of answers quoted in public issues
(``SecretDisabled``, ``ForbiddenByRbac``, ``ForbiddenByFirewall``). It answers for its real name, so that clients check
what they check of a real vault; whoever asks it has to be led here, by a proxy for instance.
"""

from __future__ import annotations

import re
import secrets
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal

from aiohttp import web
from msgspec import Struct

from .listener import respond
from .tokens import KEY_VAULT, TokenRefusedError, Tokens

_CONTENT_TYPE: Final = "application/json; charset=utf-8"
_VERSIONS: Final = re.compile(r"7\.[0-6]|20\d\d-\d\d-\d\d")
Access = Literal["allowed", "no role", "no policy", "firewall"]


class Secret(Struct):
    """One version of a secret."""

    version: str
    value: str
    at: datetime
    enabled: bool = True
    not_before: datetime | None = None
    expires: datetime | None = None


class _Refusal(Exception):
    """An answer that is no success: its status and the two codes."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"code": code, "message": message}}
        if inner:
            self.body["error"]["innererror"] = {"code": inner}


class KeyVault:
    """The vault called ``name``; ``access`` says whether whoever asks may read."""

    def __init__(self, name: str, tokens: Tokens, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.name = name
        self.host = f"{name}.vault.azure.net"
        self.url = f"https://{self.host}"
        self.access: Access = "allowed"
        self.asked: list[tuple[str, bool]] = []
        """Each path that was asked for, and whether with a token."""
        self.port = 0
        self._tokens = tokens
        self._now = now
        self._kept: dict[str, list[Secret]] = {}
        self._runner: web.AppRunner | None = None

    async def start(self, tls: ssl.SSLContext, host: str = "127.0.0.1") -> None:
        """Listen on a free port, by a certificate for its name."""
        app = web.Application()
        app.router.add_get("/secrets/{name}{version:(/[^/]*)?}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, 0, ssl_context=tls).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def put(self, name: str, value: str, **attributes: Any) -> str:
        """Add a version of a secret, the newest from now on; which it is."""
        made = Secret(secrets.token_hex(16), value, self._now(), **attributes)
        self._kept.setdefault(name, []).append(made)
        return made.version

    def newest(self, name: str) -> Secret:
        """The newest version of a secret, to be changed."""
        return self._kept[name][-1]

    def delete(self, name: str) -> None:
        """Take a secret away."""
        del self._kept[name]

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, "Authorization" in request.headers))
        try:
            self._admit(request)
            found = self._found(request.match_info["name"].lower(), request.match_info["version"].strip("/"))
        except _Refusal as refusal:
            headers = {"WWW-Authenticate": self._challenge()} if refusal.status == 401 else {}
            return respond(refusal.body, status=refusal.status, content_type=_CONTENT_TYPE, headers=headers)
        return respond(found, content_type=_CONTENT_TYPE)

    def _challenge(self) -> str:
        tenant = self._tokens.tenant
        return f'Bearer authorization="https://login.microsoftonline.com/{tenant}", resource="{KEY_VAULT}"'

    def _admit(self, request: web.Request) -> None:
        """Whoever asks, from where, in which version. Raises _Refusal."""
        if self.access == "firewall":
            told = f"Client address is not authorized and caller is not a trusted service.\r\nVault: {self.name}"
            raise _Refusal(403, "Forbidden", told, "ForbiddenByFirewall")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise _Refusal(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
        try:
            claims = self._tokens.verify(token, KEY_VAULT)
        except TokenRefusedError as error:
            code = "AKV10022: Invalid audience." if error.reason == "audience" else "AKV10015: Invalid token."
            raise _Refusal(401, "Unauthorized", code) from None
        if not _VERSIONS.fullmatch(request.query.get("api-version", "")):
            raise _Refusal(400, "BadParameter", "The specified version is not recognized.")
        caller = f"Caller: appid={claims['appid']};oid={claims['oid']};iss={claims['iss']}"
        group = f"/subscriptions/{self._tokens.tenant}/resourcegroups/batchbot"
        resource = f"{group}/providers/microsoft.keyvault/vaults/{self.name}"
        if self.access == "no role":
            told = (
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or "
                f"role definitions were changed recently, please observe propagation time.\r\n{caller}\r\n"
                "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\n"
                f"Resource: '{resource}/secrets/{request.match_info['name']}'\r\nAssignment: (not found)\r\n"
                f"DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {self.name};location=northcentralus\r\n"
            )
            raise _Refusal(403, "Forbidden", told, "ForbiddenByRbac")
        if self.access == "no policy":
            who = caller.removeprefix("Caller: ")
            who = f"The user, group or application '{who}'"
            told = f"{who} does not have secrets get permission on key vault '{self.name}'."
            raise _Refusal(403, "Forbidden", told, "AccessDenied")

    def _found(self, name: str, version: str) -> dict[str, Any]:
        """The answer. Raises _Refusal."""
        of = [each for each in self._kept.get(name, []) if version in ("", each.version)]
        if not of:
            told = (
                f"A secret with (name/id) {f'{name}/{version}' if version else name} was not found in this key vault."
            )
            raise _Refusal(404, "SecretNotFound", told)
        found = of[-1]
        if not found.enabled:
            raise _Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
        dates = {"nbf": found.not_before, "exp": found.expires, "created": found.at, "updated": found.at}
        return {
            "value": found.value,
            "id": f"{self.url}/secrets/{name}/{found.version}",
            "attributes": {
                "enabled": True,
                **{key: int(each.timestamp()) for key, each in dates.items() if each is not None},
                "recoveryLevel": "Recoverable+Purgeable",
                "recoverableDays": 90,
            },
            "tags": {},
        }
