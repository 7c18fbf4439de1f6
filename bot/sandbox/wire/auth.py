"""Who may come in: shared-key signatures and bearer tokens, both really checked.

Both live on the wall clock. A client signs with its own time, and the sandbox's clock may be days ahead of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from bot.sandbox.entities import Account

from .errors import ArmRefusal, Refusal
from .tokens import BATCH, MANAGEMENT, MANAGEMENT_CLASSIC, TokenRefusedError, Tokens

WINDOW: Final = timedelta(minutes=15)
"""How far the signed date may be from now, either way."""

_SIGNED_HEADERS: Final = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


def string_to_sign(
    method: str, target: str, headers: Mapping[str, str], account: str, *, fold_names: bool = True
) -> str:
    """What a shared key signs: ``target`` is the raw path and query, ``headers`` has lower-case names.

    ``fold_names`` lower-cases the names of query parameters, as documented.
    """
    path, _, query = target.partition("?")
    lines = [method.upper(), *(headers.get(name, "") for name in _SIGNED_HEADERS)]
    lines += [f"{name}:{' '.join(value.split())}" for name, value in sorted(headers.items()) if name.startswith("ocp-")]
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query):
        parameters.setdefault(name.lower() if fold_names else name, []).append(value)
    lines.append(f"/{account}{path}")
    lines += [f"{name}:{','.join(sorted(values))}" for name, values in sorted(parameters.items())]
    return "\n".join(lines)


def sign(key: str, text: str) -> str:
    """The base64 signature of ``text`` by the base64 ``key``."""
    return base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)).decode()


class Authenticator:
    """The data plane's door of one account: either of its keys opens it, or a token for Batch.

    An account with machines of its own (pool allocation mode UserSubscription) takes no keys.
    """

    def __init__(self, account: Account, tokens: Tokens) -> None:
        self._account = account
        self._tokens = tokens

    def admit(self, method: str, target: str, headers: Mapping[str, str]) -> None:
        """Let the request in, or raise `Refusal`. ``headers`` has lower-case names."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            self._bearer(rest.strip())
        elif scheme.lower() == "sharedkey":
            self._shared_key(rest.strip(), method, target, headers)
        elif scheme:
            raise Refusal("InvalidAuthenticationInfo", [("AuthenticationErrorDetail", f"Unknown scheme '{scheme}'.")])
        else:
            raise self._challenge("The Authorization header is missing.")

    def _bearer(self, token: str) -> None:
        try:
            self._tokens.verify(token, BATCH)
        except TokenRefusedError as error:
            raise self._challenge(f"The access token was refused ({error}).", "invalid_token") from None

    def _shared_key(self, given: str, method: str, target: str, headers: Mapping[str, str]) -> None:
        account, separator, signature = given.partition(":")
        if not separator:
            raise Refusal("InvalidAuthenticationInfo")
        if self._account.pool_allocation_mode == "UserSubscription":
            raise _unauthenticated(
                "The specified type of authentication SharedKey is not allowed when external resources of type Compute "
                "are linked."
            )
        if "SharedKey" not in (self._account.allowed_authentication_modes or ("SharedKey",)):
            raise _unauthenticated("The specified type of authentication SharedKey is not allowed for this account.")
        if account.lower() != self._account.name.lower():
            raise _unauthenticated(f"The account '{account}' is not the account that is being accessed.")
        _check_date(headers)
        # The documents sign query names in lower case; the Python client signs them as it sends them (timeOut). Its
        # transport then un-escapes what need not be escaped: /jobs/nightly%3Ajob-1 is signed, /jobs/nightly:job-1 sent.
        texts = {
            string_to_sign(method, spelt, headers, account, fold_names=fold)
            for spelt in (target, _escaped(target))
            for fold in (True, False)
        }
        if not any(_equal(signature, sign(key, text)) for key in self._account.keys for text in texts):
            expected = string_to_sign(method, target, headers, account)
            raise _unauthenticated(
                f"The MAC signature found in the HTTP request '{signature}' is not the same as any computed signature. "
                f"Server used following string to sign: '{expected}'."
            )

    def _challenge(self, detail: str, error: str = "") -> Refusal:
        challenge = f'Bearer authorization_uri="https://login.microsoftonline.com/{self._tokens.tenant}", '
        challenge += f'error="{error}", ' if error else ""
        return Refusal(
            "AuthenticationFailed",
            [("AuthenticationErrorDetail", detail)],
            status=401,
            headers={"WWW-Authenticate": f'{challenge}resource_id="{BATCH}"'},
        )


class ArmAuthenticator:
    """Resource Manager's door: bearer tokens only."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def admit(self, headers: Mapping[str, str]) -> None:
        """Let the request in, or raise `ArmRefusal`. ``headers`` has lower-case names."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not scheme:
            raise self._refusal("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        if scheme.lower() != "bearer":
            raise self._refusal(
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header is provided in an invalid format.",
            )
        try:
            self._tokens.verify(token.strip(), (MANAGEMENT, MANAGEMENT_CLASSIC))
        except TokenRefusedError as error:
            if error.reason == "expired":
                raise self._refusal("ExpiredAuthenticationToken", "The access token expiry UTC time is past.") from None
            if error.reason == "audience":
                raise self._refusal(
                    "InvalidAuthenticationTokenAudience",
                    "The access token has been obtained for wrong audience or resource. It should exactly match with "
                    f"one of the allowed audiences '{MANAGEMENT_CLASSIC}','{MANAGEMENT}'.",
                ) from None
            raise self._refusal("InvalidAuthenticationToken", "The access token is invalid.") from None

    def _refusal(self, code: str, message: str) -> ArmRefusal:
        authority = f"https://login.windows.net/{self._tokens.tenant}"
        challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{message}"'
        return ArmRefusal(401, code, message, headers={"WWW-Authenticate": challenge})


def _escaped(target: str) -> str:
    """The target with every character of its path escaped that may be."""
    path, mark, query = target.partition("?")
    return "/".join(quote(unquote(segment), safe="") for segment in path.split("/")) + mark + query


def _check_date(headers: Mapping[str, str]) -> None:
    given = headers.get("ocp-date") or headers.get("date") or ""
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        raise _unauthenticated("Request date header is missing or not in the correct format.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if abs(datetime.now(UTC) - moment) > WINDOW:
        raise _unauthenticated(f"Request date header too old: '{given}'")


def _equal(given: str, computed: str) -> bool:
    try:
        return hmac.compare_digest(base64.b64decode(given, validate=True), base64.b64decode(computed))
    except (binascii.Error, ValueError):
        return False


def _unauthenticated(detail: str) -> Refusal:
    return Refusal("AuthenticationFailed", [("AuthenticationErrorDetail", detail)])
