"""As whom the bot signs in: what a token says of its owner. The token itself goes nowhere."""

from __future__ import annotations

from typing import NamedTuple

import jwt
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import ClientAuthenticationError

from bot.azure.pipeline import no_answer, no_token


class Identity(NamedTuple):
    """Ids of the directory, empty where the token has none: the application, its object, and the tenant."""

    app: str = ""
    object: str = ""
    tenant: str = ""

    def __str__(self) -> str:
        told = [("app", self.app), ("object", self.object), ("tenant", self.tenant)]
        return ", ".join(f"{name} {id_}" for name, id_ in told if id_) or "somebody whom the token does not name"


async def identity_of(credential: AsyncTokenCredential, scope: str, host: str) -> Identity:
    """Whose token a credential gives for a scope, which ``host`` would be sent. Raises AzureError."""
    try:
        token = await credential.get_token(scope)
    except ClientAuthenticationError as error:
        raise no_token(host, error) from None
    except SdkError as error:
        raise no_answer(host, error) from error
    try:  # whose signature it is, is for those to check whom it is shown
        claims = jwt.decode(token.token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return Identity()
    return Identity(*(str(claims.get(name) or "") for name in ("appid", "oid", "tid")))
