"""Batch accounts: read, made, changed, deleted, and their keys.

An account is made and deleted in the background, as recorded: the answer is 202 without a body, with an address in
``Location`` that answers 202 (with another, longer-lived address) until all is done, then the account, or nothing, or
the reason why there is none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from bot.sandbox.entities import Account, VirtualMachineFamilyCoreQuota
from bot.sandbox.entity_parts import Wire
from bot.sandbox.world import SIZES, AccountState
from bot.sandbox.world.bodies import etag
from bot.sandbox.world.keys import derived_key

from ..errors import ArmRefusal
from ..listener import http_date, respond
from .account_body import account_body, takes_keys
from .body import CONTENT_TYPE, invalid_body, read
from .directory import Directory
from .locations import ACCOUNT_QUOTA, wrong_with_name
from .operations import Operation, Operations
from .routes import Handlers, Parts

SECONDS: Final = (8.0, 40.0)
"""How long it takes to make or delete an account."""

CORES, FAMILY_CORES, POOLS, JOBS = 500, 100, 100, 300
"""The quotas of a new account (recorded)."""

_KEYS: Final = ("primary", "secondary")


class AutoStorage(Wire, kw_only=True):
    """The storage account that packages lie in."""

    storage_account_id: str
    authentication_mode: str | None = None
    node_identity_reference: dict[str, Any] | None = None


class KeyVault(Wire, kw_only=True):
    """Where an account with machines of its own keeps its secrets."""

    id: str
    url: str


class AccountProperties(Wire, kw_only=True):
    """What may be asked of an account when it is made; after that all but the first two."""

    pool_allocation_mode: str | None = None
    key_vault_reference: KeyVault | None = None
    auto_storage: AutoStorage | None = None
    public_network_access: str | None = None
    network_profile: dict[str, Any] | None = None
    encryption: dict[str, Any] | None = None
    allowed_authentication_modes: list[str] | None = None


class AccountCreate(Wire, kw_only=True):
    """A new account."""

    location: str
    tags: dict[str, str] | None = None
    identity: dict[str, Any] | None = None
    properties: AccountProperties | None = None


class AccountUpdate(Wire, kw_only=True):
    """Changes of an account."""

    tags: dict[str, str] | None = None
    identity: dict[str, Any] | None = None
    properties: AccountProperties | None = None


class KeyWanted(Wire, kw_only=True):
    """Which key is to be another."""

    key_name: str


class AccountRoutes:
    """Serves the accounts."""

    def __init__(self, directory: Directory, address: Callable[[], str]) -> None:
        self._directory = directory
        self._world = directory.world
        self._born = directory.world.clock.now()
        self._operations = Operations(address)
        self.handlers: Handlers = {
            ("GET", "accounts"): self._accounts,
            ("GET", "account"): self._account,
            ("PUT", "account"): self._create,
            ("PATCH", "account"): self._update,
            ("DELETE", "account"): self._delete,
            ("GET", "creation"): self._creation,
            ("GET", "deletion"): self._deletion,
            ("POST", "keys"): self._keys,
            ("POST", "new key"): self._new_key,
            ("POST", "storage keys"): self._sync_storage_keys,
        }

    # --- reading ------------------------------------------------------------------------------------------------------

    def _accounts(self, request: web.Request, parts: Parts) -> web.Response:
        if parts.get("group") is not None:
            found = self._directory.in_group(parts)
        else:
            self._directory.groups(parts["subscription"])
            found = list(self._directory.in_subscription(parts["subscription"]))
        version = request.query["api-version"]
        return respond({"value": [account_body(facts, version) for facts in found]}, content_type=CONTENT_TYPE)

    def _account(self, request: web.Request, parts: Parts) -> web.Response:
        return self._shown(request, self._directory.account(parts).facts)

    def _shown(self, request: web.Request, facts: Account) -> web.Response:
        modified = facts.last_modified or self._born
        headers = {"ETag": f'"{etag(modified)}"', "Last-Modified": http_date(modified)}
        body = account_body(facts, request.query["api-version"])
        return respond(body, content_type=CONTENT_TYPE, headers=headers)

    # --- making -------------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request, parts: Parts) -> web.Response:
        given = await read(request, AccountCreate)
        properties = given.properties or AccountProperties()
        if (known := self._directory.find(parts)) is not None:
            self._change(known.facts, given.tags, given.identity, properties)
            return self._shown(request, known.facts)
        name = parts["account"]
        # How a wrong and a taken name are refused here, and not by the check of names, nobody recorded.
        if (wrong := wrong_with_name(name)) is not None:
            raise ArmRefusal(400, "InvalidAccountName", wrong, target="BatchAccount")
        if name in self._world.accounts or self._operations.pending(name):
            taken = f"An account named '{name}' is already in use."
            raise ArmRefusal(409, "AccountAlreadyExists", taken, target="BatchAccount")
        self._check_mode(properties)
        facts = self._facts(name, parts, given, properties)
        operation = self._operations.begin(name, request.path)
        self._directory.coming.add(name)
        self._world.after(self._world.rng.uniform(*SECONDS), self._made, operation, facts)
        return self._operations.accepted(operation, request)

    @staticmethod
    def _check_mode(properties: AccountProperties) -> None:
        """Machines of one's own need a key vault (recorded)."""
        if (vault := properties.key_vault_reference) is not None and not vault.id.startswith("/subscriptions/"):
            raise ArmRefusal(
                400,
                "LinkedInvalidPropertyId",
                f"Property id '{vault.id}' at path 'properties.keyVaultReference.id' is invalid. Expect fully "
                "qualified resource Id that start with '/subscriptions/{subscriptionId}' or "
                "'/providers/{resourceProviderNamespace}/'.",
            )
        if (properties.pool_allocation_mode or "").lower() == "usersubscription" and vault is None:
            wanted = "poolAllocationMode is specified as 'UserSubscription' on a PUT request"
            raise invalid_body(f"keyVaultReference must be set if {wanted}")

    def _facts(self, name: str, parts: Parts, given: AccountCreate, properties: AccountProperties) -> Account:
        try:
            location = self._directory.location(given.location)
        except ArmRefusal:
            raise ArmRefusal(
                400,
                "LocationNotAvailableForResourceType",
                f"The provided location '{given.location}' is not available for resource type "
                "'Microsoft.Batch/batchAccounts'.",
            ) from None
        own = (properties.pool_allocation_mode or "").lower() == "usersubscription"
        vault = properties.key_vault_reference
        families = sorted({size.family for size in SIZES.values()})
        facts = Account(
            name=name,
            subscription=parts["subscription"].lower(),
            resource_group=self._directory.group(parts).name,
            location=location,
            endpoint=f"https://{name}.{location}.batch.azure.com",
            keys=(self._key(name, 0, ""), self._key(name, 1, "")),
            dedicated_core_quota=CORES,
            low_priority_core_quota=CORES,
            families=[VirtualMachineFamilyCoreQuota(name=family, core_quota=FAMILY_CORES) for family in families],
            families_enforced=True,
            pool_quota=POOLS,
            job_quota=JOBS,
            pool_allocation_mode="UserSubscription" if own else "BatchService",
            key_vault=vault.id if vault else None,
        )
        self._change(facts, given.tags, given.identity, properties)
        return facts

    def _made(self, operation: Operation, facts: Account) -> None:
        same = [one for one in self._directory.in_subscription(facts.subscription) if one.location == facts.location]
        if len(same) >= ACCOUNT_QUOTA:
            message = "The regional Batch account quota for the specified subscription has been reached."
            operation.refusal = ArmRefusal(409, "SubscriptionQuotaExceeded", message, target="BatchAccount")
        else:
            facts.last_modified = self._world.time
            self._world.add_account(facts)
        self._directory.coming.discard(facts.name)
        operation.done = True

    def _creation(self, request: web.Request, parts: Parts) -> web.Response:
        operation = self._operations.find(parts["operation"], parts["account"])
        if not operation.done:
            return self._operations.accepted(operation, request)
        if operation.refusal is not None:
            raise operation.refusal
        return self._shown(request, self._directory.account(parts).facts)

    # --- changing -----------------------------------------------------------------------------------------------------

    async def _update(self, request: web.Request, parts: Parts) -> web.Response:
        given, facts = await read(request, AccountUpdate), self._directory.account(parts).facts
        self._change(facts, given.tags, given.identity, given.properties or AccountProperties())
        return self._shown(request, facts)

    def _change(
        self,
        facts: Account,
        tags: dict[str, str] | None,
        identity: dict[str, Any] | None,
        properties: AccountProperties,
    ) -> None:
        if tags is not None:
            facts.tags = tags or None
        if identity is not None:
            facts.identity = identity
        if (storage := properties.auto_storage) is not None:
            facts.auto_storage_account_id = storage.storage_account_id
        for name in ("public_network_access", "network_profile", "encryption", "allowed_authentication_modes"):
            if (value := getattr(properties, name)) is not None:
                setattr(facts, name, value)
        facts.last_modified = self._world.time

    # --- deleting -----------------------------------------------------------------------------------------------------

    def _delete(self, request: web.Request, parts: Parts) -> web.Response:
        account = self._directory.find(parts)
        if account is None:
            return web.Response(status=204)
        facts = account.facts
        facts.provisioning_state = "Deleting"
        home = f"/subscriptions/{parts['subscription']}/providers/Microsoft.Batch/locations/{facts.location}"
        operation = self._operations.begin(facts.name, home, kind="accountOperationResults", named=True)
        self._world.after(self._world.rng.uniform(*SECONDS), self._gone, operation, account)
        return self._operations.accepted(operation, request)

    def _gone(self, operation: Operation, account: AccountState) -> None:
        self._world.remove_account(account)
        operation.done = True

    def _deletion(self, request: web.Request, parts: Parts) -> web.Response:
        operation = self._operations.find(parts["operation"])
        return web.Response() if operation.done else self._operations.accepted(operation, request)

    # --- keys ---------------------------------------------------------------------------------------------------------

    def _key(self, name: str, place: int, salt: str) -> str:
        return derived_key(f"{self._world.seed}/{name}", f"{_KEYS[place]}{salt}")

    def _keys(self, request: web.Request, parts: Parts) -> web.Response:
        facts = self._directory.account(parts).facts
        self._refuse_keyless(facts)
        told = {"accountName": facts.name, **dict(zip(_KEYS, facts.keys, strict=True))}
        return respond(told, content_type=CONTENT_TYPE)

    async def _new_key(self, request: web.Request, parts: Parts) -> web.Response:
        given, facts = await read(request, KeyWanted), self._directory.account(parts).facts
        self._refuse_keyless(facts)
        if given.key_name.lower() not in _KEYS:
            raise invalid_body("keyName has to be Primary or Secondary")
        keys = list(facts.keys)
        place = _KEYS.index(given.key_name.lower())
        keys[place] = self._key(facts.name, place, secrets.token_hex(8))
        facts.keys = (keys[0], keys[1])
        return self._keys(request, parts)

    @staticmethod
    def _refuse_keyless(facts: Account) -> None:
        """Where shared keys are turned off there are none to tell. The service's own words are not recorded."""
        if not takes_keys(facts):
            reason = [("Reason", "Shared key authentication is not allowed for the account")]
            raise ArmRefusal(403, "Forbidden", "Access is Forbidden", target="BatchAccount", details=reason)

    def _sync_storage_keys(self, request: web.Request, parts: Parts) -> web.Response:
        facts = self._directory.account(parts).facts
        facts.storage_keys_synced = self._now()
        return web.Response(status=204)

    def _now(self) -> datetime:
        return self._world.time
