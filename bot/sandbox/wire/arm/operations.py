"""Operations that go on after their answer: where a client asks how they fare."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import Final

from aiohttp import web
from msgspec import Struct

from ..errors import ArmRefusal

SIGNED_BYTES: Final = 1200
"""About as much is signed into an address as into a recorded one (some 2 kB of text)."""


class Operation(Struct, kw_only=True, eq=False):
    """One operation: whose it is, where it is asked about, and how it ended."""

    id: str
    account: str
    path: str
    done: bool = False
    refusal: ArmRefusal | None = None


class Operations:
    """All operations of the accounts."""

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._all: dict[str, Operation] = {}

    def begin(self, account: str, home: str, *, kind: str = "operationResults", named: bool = False) -> Operation:
        """A new operation; ``named`` ones have the account's name in their id."""
        guid = str(uuid.uuid4())
        key = f"{account}-{guid}" if named else guid
        operation = self._all[key] = Operation(id=key, account=account, path=f"{home}/{kind}/{key}")
        return operation

    def pending(self, account: str) -> bool:
        """Whether something goes on with an account of that name."""
        return any(operation.account == account and not operation.done for operation in self._all.values())

    def find(self, key: str, account: str = "") -> Operation:
        """The operation of that id. Raises `ArmRefusal` (404)."""
        operation = self._all.get(key)
        # Nobody recorded a question about an operation that never was; the code is ours.
        if operation is None or (account and operation.account.lower() != account.lower()):
            raise ArmRefusal(404, "OperationNotFound", "The specified operation does not exist.", target="BatchAccount")
        return operation

    def accepted(self, operation: Operation, request: web.Request) -> web.Response:
        """It goes on. The address is signed: long, and another one each time."""
        query = request.rel_url.with_path(operation.path).with_query(
            {
                "api-version": request.query["api-version"],
                "t": str(uuid.uuid1().time),
                "c": secrets.token_urlsafe(SIGNED_BYTES),
                "s": secrets.token_urlsafe(256),
                "h": secrets.token_urlsafe(32),
            }
        )
        return web.Response(status=202, headers={"Location": f"{self._address()}{query}"})
