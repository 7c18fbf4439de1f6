"""Secrets of Azure Key Vault, read with its own client by the identity that the settings name. None is ever printed.

It waits, so it runs in a thread wherever an event loop has other work: settings are read before there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import structlog
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.keyvault.secrets import KeyVaultSecret, SecretClient
from msgspec import Struct

from bot.azure.credentials import CLOUDS
from bot.azure.key_vault_settings import KeyVaultSettings, Wanted
from bot.azure.roles import SECRETS_USER

log = structlog.get_logger()

_WAITS = {"retry_total": 2, "retry_backoff_factor": 0.5, "connection_timeout": 5, "read_timeout": 15}


class Held(Struct, frozen=True):
    """What came of one variable: its secret's value, or what is wrong and what to do, as a line of the settings is.

    A vault that does not answer at all is told of once, under the first of its secrets: others have neither then.
    """

    variable: str
    value: str = ""
    wrong: str = ""
    expires: datetime | None = None

    def __repr__(self) -> str:
        return f"Held({self.variable})"


class _NotThisVault(Exception):
    """No secret of it can be read: what is wrong, and what to do."""


def read(settings: KeyVaultSettings, variables: Iterable[str]) -> Iterator[Held]:
    """The secrets behind variables that ``settings.secrets`` has, one after the other; whatever fails is told."""
    away: set[str] = set()
    clients: dict[str, SecretClient] = {}
    credential = _credential(settings)
    try:
        for variable in variables:
            wanted = settings.wanted(variable)
            if wanted.vault in away:
                yield Held(variable)
                continue
            if wanted.vault not in clients:
                clients[wanted.vault] = SecretClient(wanted.vault, credential, **_WAITS)
            try:
                yield _held(variable, wanted, clients[wanted.vault])
            except _NotThisVault as error:
                away.add(wanted.vault)
                where = "key_vault.url" if wanted.vault == settings.url.rstrip("/") else f"key_vault.secrets.{variable}"
                yield Held(variable, wrong=f"{where}: {error}")
    finally:
        for client in clients.values():
            client.close()
        credential.close()


def _credential(settings: KeyVaultSettings) -> DefaultAzureCredential | ManagedIdentityCredential:
    client_id = settings.client_id or None
    if settings.credential == "managed_identity":
        return ManagedIdentityCredential(client_id=client_id)
    chosen = {"managed_identity_client_id": client_id, "workload_identity_client_id": client_id} if client_id else {}
    return DefaultAzureCredential(authority=CLOUDS[settings.cloud].authority, **chosen)


def _held(variable: str, wanted: Wanted, client: SecretClient) -> Held:
    """One secret. Raises _NotThisVault where the next one would fail in the same way."""
    wrong = ""
    try:
        found = client.get_secret(wanted.name, wanted.version or None)
    except ResourceNotFoundError:
        wrong = _absent(wanted)
    except ClientAuthenticationError as error:
        raise _NotThisVault(_no_identity(wanted, error)) from None
    except HttpResponseError as error:
        wrong = _refused(wanted, error)
    except AzureError as error:
        raise _NotThisVault(_no_answer(wanted, error)) from None
    except ValueError as error:  # the client's own word for a challenge that is not for this address
        log.warning("vault.not_understood", vault=wanted.vault, message=str(error))
        raise _NotThisVault(
            f"what answers at {wanted.vault} is no key vault of this cloud: check the address"
        ) from None
    else:
        wrong = _unusable(wanted, found)
        if not wrong:
            return Held(variable, (found.value or "").strip(), expires=found.properties.expires_on)
    return Held(variable, wrong=f"key_vault.secrets.{variable}: {wrong}")


def _vault(wanted: Wanted) -> str:
    return wanted.vault.removeprefix("https://").partition(".")[0]


def _on(wanted: Wanted) -> str:
    return f"--vault-name {_vault(wanted)} --name {wanted.name}"


def _absent(wanted: Wanted) -> str:
    which = f"no version {wanted.version} of “{wanted.name}”" if wanted.version else f"no secret “{wanted.name}”"
    return f"{wanted.vault} has {which}: az keyvault secret set {_on(wanted)} --file FILE makes it, or mend its name"


def _unusable(wanted: Wanted, found: KeyVaultSecret) -> str:
    """Its dates bind nobody but who minds them ("Secret attributes"); whoever set them meant that they are minded."""
    now, about = datetime.now(UTC), found.properties
    if about.expires_on and about.expires_on <= now:
        return (
            f"“{wanted.name}” expired on {about.expires_on:%Y-%m-%d}: renew it, or give it a later end with "
            f"az keyvault secret set-attributes {_on(wanted)} --expires DATE"
        )
    if about.not_before and about.not_before > now:
        return (
            f"“{wanted.name}” is not to be used before {about.not_before:%Y-%m-%d %H:%M} UTC: wait, or "
            f"az keyvault secret set-attributes {_on(wanted)} --not-before DATE"
        )
    if not (found.value or "").strip():
        return f"“{wanted.name}” is empty: az keyvault secret set {_on(wanted)} --file FILE"
    return ""


def _refused(wanted: Wanted, error: HttpResponseError) -> str:
    """Why the vault gives no secret. Raises _NotThisVault where it gives none at all."""
    told = error.message or ""
    inner = getattr(error.error, "innererror", None)
    code = str(inner.get("code") or "") if isinstance(inner, dict) else ""
    if code == "SecretDisabled" or "disabled secret" in told:
        return f"“{wanted.name}” is disabled: az keyvault secret set-attributes {_on(wanted)} --enabled true"
    if error.status_code == 403 and (code in ("ForbiddenByFirewall", "ForbiddenByConnection") or "firewall" in told):
        raise _NotThisVault(
            f"the firewall of {wanted.vault} does not let this machine in: allow its address or its subnet there, "
            "or reach the vault by a private endpoint"
        )
    if error.status_code == 403:
        caller, resource = re.search(r"\boid=([0-9A-Za-z-]+)", told), re.search(r"Resource: '([^'\s]+)'", told)
        scope = resource[1].partition("/secrets/")[0] if resource else "VAULT_ID"
        return (
            f"the bot may not read secrets of {wanted.vault}: give it the role {SECRETS_USER} with "
            f"az role assignment create --assignee {caller[1] if caller else 'OBJECT_ID'} "
            f"--role {SECRETS_USER.id} --scope {scope}; "
            "a vault with access policies wants the permission Get on secrets"
        )
    if error.status_code == 400:
        return f"{wanted.vault} does not understand the name “{wanted.name}”: mend it"
    named = error.error.code if error.error and error.error.code else ""
    raise _NotThisVault(f"{wanted.vault} answers {error.status_code} {named}".rstrip() + ": try again later")


def _no_identity(wanted: Wanted, error: ClientAuthenticationError) -> str:
    """Nobody is signed in, or the vault does not know who is. Of the many words only Entra ID's reason is kept."""
    reason = re.search(r"AADSTS\d+: [^.\r\n]*|AKV\d+: [^.\r\n]*", str(error))
    why = f" ({reason[0]})" if reason else ""
    asked = getattr(getattr(error.response, "request", None), "url", "")  # it may have been the one that gives tokens
    if str(asked).startswith(wanted.vault):
        return f"{wanted.vault} does not accept the bot's identity{why}: it has to be of the vault's own tenant"
    return (
        f"no identity is at hand that {wanted.vault} would accept{why}: give the bot a managed identity "
        "(key_vault.credential, key_vault.client_id), or set AZURE_CLIENT_ID, AZURE_TENANT_ID and a secret"
    )


def _no_answer(wanted: Wanted, error: AzureError) -> str:
    said = str(error)
    if any(each in said for each in ("Failed to resolve", "Name or service not known", "getaddrinfo")):
        return (
            f"there is no key vault {wanted.vault}, or its name cannot be looked up from here: check its name, and "
            "the name service where it has a private endpoint"
        )
    if "CERTIFICATE_VERIFY_FAILED" in said or "SSLError" in said:
        return f"the certificate of {wanted.vault} is not accepted: check the address and the trusted certificates"
    return f"{wanted.vault} does not answer from here: check the network and its firewalls"
