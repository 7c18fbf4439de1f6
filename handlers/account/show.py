"""One account: where it is, how it is set up, its quotas."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import (
    AccountProperties,
    BatchAccountResource,
    Job,
    JobSchedule,
    Pool,
    PoolNodeCounts,
)
from bot.azure.models.resource import EndpointAccess
from bot.domain.quota import Used, quotas_of
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Action, Block, Button, Card, Mark, Menu, Option, Words
from cards.command_line import command as command_line
from cards.formatting import plural
from handlers.account.quotas import bars
from handlers.shared import node_counts
from handlers.shared.capacity import ACTIVE, SELECT, used_of
from handlers.shared.common import folded, line, section, some, tail, titled
from handlers.shared.filtering import Unseen
from handlers.shared.portal import portal
from handlers.shared.portal import resource as resource_link
from handlers.usage import costs

_NEAR = 4
"""Quotas in sight: those nearest to their limits."""


@command("account show", effect="read", examples=["account show", "account show sim-dev"])
async def show_account(ctx: Context, account: str | None = None, *, whole: Unseen = 0) -> Card:
    """Show one account: region, configuration, and quotas with current use. Never shows a key.

    :param account: the account, by its name in the settings; if left out the default here
    :param whole: 1 for all of it, with what is folded otherwise
    """
    source = ctx.account(account)
    (pools, at), counts, jobs, schedules = await asyncio.gather(
        source.every(Pool, "/pools", select=SELECT),
        node_counts.known(source),
        gaps.maybe("active jobs", source.every(Job, "/jobs", select="id", filter=ACTIVE)),
        gaps.maybe("active schedules", source.every(JobSchedule, "/jobschedules", select="id", filter=ACTIVE)),
    )
    try:
        resource: BatchAccountResource | None = (await source.resource()).value
        refused = ""
    except AzureError as error:
        why = gaps.missed("quotas and configuration", error)
        resource, refused = None, why and f"Quotas cannot be read: {why}"
    active = None if jobs is None or schedules is None else len(jobs[0]) + len(schedules[0])
    used = await used_of(source, pools, counts, active)
    cost = await costs.line_of(ctx, source, pools, node_counts.by_pool(counts), at)
    return account_card(ctx, source, resource, used, counts, at, refused, cost, whole)


def account_card(
    ctx: Context,
    source: Account,
    resource: BatchAccountResource | None,
    used: Used,
    counts: list[PoolNodeCounts] | None,
    at: datetime,
    refused: str = "",
    cost: Words | None = None,
    whole: int = 0,
) -> Card:
    """All of an account, what it has in use, its nodes, what it costs.

    ``refused`` says why its resource can never be read.
    """
    quotas = bars(quotas_of(resource.properties, used)) if resource else []
    state = resource.properties.provisioning_state if resource else ""
    near = sorted(quotas, key=lambda bar: -bar.done / (bar.total or 1))[:_NEAR]
    tight = [bar for bar in quotas if bar.mark in (Mark.WARNING, Mark.FAILED)]
    return Card(
        title=titled(
            f"Account {source.name}",
            text(chip(Mark.RUNNING, state.lower())) if state.lower() == "succeeded" else state.lower(),
            source.settings.location,
            f"{plural(len(tight), 'quota')} nearly full" if tight else None,
        ),
        mark=Mark.WARNING if tight or (state and state.lower() != "succeeded") else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            Words(text(chip(Mark.WARNING, refused))) if refused else None,
            Words(node_counts.in_words(node_counts.by_state(counts))) if counts else None,
            cost,
            *section("Quotas", *near, _uncounted(used) if quotas else None),
            folded(
                ctx,
                source,
                whole,
                [*section("Other quotas", *(bar for bar in quotas if bar not in near)), *_setup(source, resource)],
                "account show",
                source.name,
            ),
            build.actions(
                Button("Pools", line(ctx, source, "pool list"), style="primary"),
                Button("Jobs", line(ctx, source, "job list")),
                Button("Cost", line(ctx, source, "cost")) if cost else None,
                Button("Topology", line(ctx, source, "topology")),
                Button("Applications", line(ctx, source, "application list")),
                Button("VM sizes", line(ctx, source, "size list", mine="yes")),
                Button("Certificates", line(ctx, source, "certificate list")),
                Button("All quotas", command_line("account quotas", source.name)) if quotas else None,
                Button("All accounts", "account list"),
                Button("Refresh", line(ctx, source, "account show", source.name, whole=whole or None), how="edit"),
                Button("JSON", line(ctx, source, "raw account")),
                portal(source),
                *_elsewhere(source, resource),
                *_changes(ctx, source),
                shown=5,
            ),
        ),
    )


def _elsewhere(source: Account, found: BatchAccountResource | None) -> list[Action | None]:
    """Its storage and its key vault in the portal."""
    properties = found.properties if found else AccountProperties()
    storage, vault = properties.auto_storage, properties.key_vault_reference
    return [
        resource_link(source, storage.storage_account_id, "Storage in the portal") if storage else None,
        resource_link(source, vault.id, "Key vault in the portal") if vault else None,
    ]


def _changes(ctx: Context, source: Account) -> list[Action]:
    """What the asker may do to it."""
    found: list[Action] = []
    if source.writer is None:
        return found
    if ctx.allows("account regenerate-key"):
        choose = f"{command_line('account regenerate-key', source.name)} {{}}"
        options = (Option("primary key", "primary"), Option("secondary key", "secondary"))
        found.append(Menu("New key…", choose, options))
    if ctx.allows("account delete"):
        found.append(Button("Delete account", command_line("account delete", source.name), style="danger"))
    return found


def _uncounted(used: Used) -> Words | None:
    """VM sizes in use that the figures are without."""
    if not used.unknown:
        return None
    return Words(
        text(muted(f"Without the cores of {', '.join(used.unknown)}: how many these sizes have is not known."))
    )


def _setup(source: Account, resource: BatchAccountResource | None) -> list[Block]:
    properties = resource.properties if resource else AccountProperties()
    batch_name = source.settings.batch_name
    vault = properties.key_vault_reference
    return [
        *section(
            "Set up",
            facts(
                ("Endpoint", code(properties.account_endpoint or source.settings.endpoint)),
                (
                    "Node management endpoint",
                    code(properties.node_management_endpoint) if properties.node_management_endpoint else "",
                ),
                ("Batch account", batch_name if batch_name != source.name else None),
                ("Subscription", code(source.settings.subscription)),
                ("Resource group", source.settings.resource_group),
                ("Region", (resource.location if resource else "") or source.settings.location),
                (
                    "Pool allocation",
                    _MODES.get(properties.pool_allocation_mode.lower(), properties.pool_allocation_mode),
                ),
                ("Authentication", _ways(properties.allowed_authentication_modes)),
                ("Key vault", tail(vault.id) if vault else None),
                ("Keys of the data held by", _encryption(properties)),
                ("Tags", "\n".join(f"{k}={v}" for k, v in (resource.tags or {}).items()) if resource else None),
            ),
        ),
        *_storage(properties),
        *_identity(resource),
        *_network(properties),
    ]


_MODES = {"batchservice": "by Batch", "usersubscription": "in your subscription"}
"""The service's ``PoolAllocationMode``."""
_SIGN_IN = {
    "sharedkey": "shared key",
    "aad": "Microsoft Entra ID",
    "taskauthenticationtoken": "tokens of tasks",
}
"""The service's ``AuthenticationMode``."""


def _ways(modes: Sequence[str] | None) -> str:
    return ", ".join(_SIGN_IN.get(mode.lower(), mode) for mode in modes or ())


def _encryption(properties: AccountProperties) -> str:
    if properties.encryption is None:
        return ""
    key = properties.encryption.key_vault_properties
    return properties.encryption.key_source + (f" ({key.key_identifier})" if key and key.key_identifier else "")


def _storage(properties: AccountProperties) -> list[Block]:
    storage = properties.auto_storage
    if storage is None:
        return []
    node = storage.node_identity_reference
    return section(
        "Storage",
        facts(
            ("Account", tail(storage.storage_account_id)),
            ("Reached with", _STORAGE.get(storage.authentication_mode.lower(), storage.authentication_mode)),
            ("Keys last read", when(storage.last_key_sync)),
            ("Nodes reach it as", tail(node.resource_id) if node else None),
        ),
    )


_STORAGE = {"storagekeys": "its keys", "batchaccountmanagedidentity": "the account's managed identity"}


def _identity(resource: BatchAccountResource | None) -> list[Block]:
    identity = resource.identity if resource else None
    if identity is None or identity.type.lower() in ("", "none"):
        return section("Identity", Words(text(muted("The account has no managed identity.")))) if resource else []
    assigned = [tail(each) for each in identity.user_assigned_identities or {}]
    return section(
        "Identity",
        facts(
            (
                "Kind",
                {"systemassigned": "its own", "userassigned": "assigned"}.get(identity.type.lower(), identity.type),
            ),
            ("Principal", code(identity.principal_id) if identity.principal_id else None),
            ("Tenant", code(identity.tenant_id) if identity.tenant_id else None),
            ("Assigned", some(assigned)),
        ),
    )


def _network(properties: AccountProperties) -> list[Block]:
    profile = properties.network_profile
    endpoints = []
    for each in properties.private_endpoint_connections or ():
        state = each.properties.private_link_service_connection_state if each.properties else None
        endpoints.append(each.name + (f" ({state.status.lower()})" if state and state.status else ""))
    return section(
        "Network access",
        facts(
            (
                "From the internet",
                _PUBLIC.get(properties.public_network_access.lower(), properties.public_network_access),
            ),
            ("To the account", _access(profile.account_access) if profile else None),
            ("To node management", _access(profile.node_management_access) if profile else None),
            ("Private endpoints", some(endpoints)),
        ),
    )


_PUBLIC = {"enabled": "yes", "disabled": "no", "securedbyperimeter": "by a network security perimeter"}


def _access(access: EndpointAccess | None) -> str:
    """``denied, but 10.0.0.0/8 allowed``."""
    if access is None:
        return ""
    rules = [f"{rule.value} {_RULES.get(rule.action.lower(), rule.action)}".strip() for rule in access.ip_rules]
    default = "denied" if access.default_action.lower() == "deny" else "allowed"
    return f"{default}, but {some(rules)}" if rules else f"{default} to all"


_RULES = {"allow": "allowed", "deny": "denied"}
