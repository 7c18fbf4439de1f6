"""A demo with money to ask for, and what Microsoft's clients need to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import AccountState
from tests.worlds import lived

START = datetime(2026, 11, 26, 22, 40, 7, tzinfo=UTC)


@asynccontextmanager
async def money_sandbox(hours: float = 3) -> AsyncIterator[AzureSandbox]:
    """The demo after so many hours, its clock standing still."""
    sandbox = AzureSandbox(lived("demo", seed=1, start=START, hours=hours))
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.close()


def resource_id(account: AccountState) -> str:
    """The account's id."""
    facts = account.facts
    return (
        f"/subscriptions/{facts.subscription}/resourceGroups/{facts.resource_group}"
        f"/providers/Microsoft.Batch/batchAccounts/{facts.name}"
    )


class Credential:
    """Tokens for whatever is asked for, or always for one ``resource``."""

    def __init__(self, sandbox: AzureSandbox, resource: str = "") -> None:
        self._sandbox, self._resource = sandbox, resource

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token of the sandbox."""
        resource = self._resource or scopes[0].removesuffix("/.default")
        return AccessToken(self._sandbox.tokens.issue(resource), 4_000_000_000)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""


class Unsecured(SansIOHTTPPolicy[Any, Any]):
    """Lets a token through over http."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Says so."""
        request.context.options.setdefault("enforce_https", False)
