"""The standing account with what changes it: an identity that may write, operations, and a policy that lets people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec

from bot.azure.accounts import Accounts
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading
from bot.settings import AccessSettings
from tests.handlers.conftest import Scene


@asynccontextmanager
async def operated(scene: Scene) -> AsyncIterator[Operations]:
    """Let the scene's asker change its accounts; the operations that it begins."""
    settings = {
        account.name: msgspec.structs.replace(account.settings, write_credential="managed_identity")
        for account in scene.accounts
    }
    scene.accounts = Accounts(settings)
    services = scene.dispatcher.services
    operations = Operations(scene.store, scene.accounts, services.registry.workflows, Audit(scene.store))
    scene.dispatcher = Dispatcher(
        replace(
            services,
            policy=Policy(Access(AccessSettings(operators=["text:viewer"]))),
            reading=AzureReading(scene.accounts),
            operations=operations,
        )
    )
    try:
        yield operations
    finally:
        await operations.drain()
        await scene.accounts.close()
