"""The certificates of an account, a thing of the past: nodes no longer get them, and newer api-versions have none.

`account.certificates_served` is the switch for the day on which the service stops answering the old versions too.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import Struct

from bot.sandbox.entity_inventory import Certificate, DeleteCertificateError
from bot.sandbox.entity_parts import NameValuePair
from bot.sandbox.world.refused import Refused

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

RETIRED = "CertificateAPIRetired"
"""The code where certificates are no longer served, named like the one recorded of the usage metrics."""


class LiveCertificate(Struct, kw_only=True):
    """A certificate; `format` is "Pfx" (with a private key) or "Cer", `used_by` the pools that keep it from going."""

    body: Certificate
    format: str = "Pfx"
    used_by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What it is filed under: its thumbprint."""
        return self.body.thumbprint


def certificate(
    seed: str,
    name: str,
    added: datetime,
    *,
    state: str = "active",
    since: datetime | None = None,
    used_by: tuple[str, ...] = (),
    kind: str = "Pfx",
) -> LiveCertificate:
    """A certificate of that common name, added then; `used_by` are the pools that kept it from being deleted."""
    public = _self_signed(seed, name, added)
    previous = {"deleting": "active", "deletefailed": "deleting"}.get(state)
    changed = since or added
    error = _in_use(used_by) if state == "deletefailed" else None
    body = Certificate(
        thumbprint=hashlib.sha1(public, usedforsecurity=False).hexdigest(),
        thumbprint_algorithm="sha1",
        state=state,
        state_transition_time=changed,
        previous_state=previous,
        previous_state_transition_time=(changed - timedelta(minutes=3) if state == "deletefailed" else added)
        if previous
        else None,
        public_data=base64.b64encode(public).decode(),
        delete_certificate_error=error,
    )
    return LiveCertificate(body=body, format=kind, used_by=used_by)


def _in_use(pools: tuple[str, ...]) -> DeleteCertificateError:
    return DeleteCertificateError(
        code="PoolsReferencingCertificate",
        message="The specified certificate is being used by the below mentioned pool(s)",
        values=[NameValuePair(name="Pools", value=", ".join(pools))],
    )


# --- changing ---------------------------------------------------------------------------------------------------------


def add(account: AccountState, thumbprint: str, public: bytes, kind: str) -> LiveCertificate:
    """A new certificate, active at once. Raises `Refused` (409)."""
    if thumbprint in account.certificates:
        raise Refused(409, "CertificateExists", "The specified certificate already exists.")
    body = Certificate(
        thumbprint=thumbprint,
        thumbprint_algorithm="sha1",
        state="active",
        state_transition_time=account.world.time,
        public_data=base64.b64encode(public).decode(),
    )
    live = account.certificates[thumbprint] = LiveCertificate(body=body, format=kind)
    return live


def delete(account: AccountState, live: LiveCertificate) -> None:
    """The certificate goes in about a minute, unless pools use it. Raises `Refused` (409)."""
    _refuse_deleting(live)
    _move(account, live, "deleting")
    account.world.after(60.0, _deleted, account, live)


def _deleted(account: AccountState, live: LiveCertificate) -> None:
    if live.used_by:
        _move(account, live, "deletefailed")
        live.body.delete_certificate_error = _in_use(live.used_by)
    else:
        account.certificates.pop(live.id, None)


def cancel_deletion(account: AccountState, live: LiveCertificate) -> None:
    """A certificate that could not be deleted is active again. Raises `Refused` (409), as recorded."""
    _refuse_deleting(live)
    if live.body.state == "active":
        raise Refused(409, "CertificateStateActive", "The specified certificate is in active state.")
    _move(account, live, "active")
    live.body.delete_certificate_error = None


def _refuse_deleting(live: LiveCertificate) -> None:
    if live.body.state == "deleting":
        message = "The specified certificate has been marked for deletion and is being deleted."
        raise Refused(409, "CertificateBeingDeleted", message)


def _move(account: AccountState, live: LiveCertificate, state: str) -> None:
    body = live.body
    body.previous_state, body.previous_state_transition_time = body.state, body.state_transition_time
    body.state, body.state_transition_time = state, account.world.time


def _self_signed(seed: str, name: str, added: datetime) -> bytes:
    """A true certificate, the same for the same seed, name and day."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    key = Ed25519PrivateKey.from_private_bytes(digest)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = added.replace(hour=0, minute=0, second=0, microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(digest[:8]))
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=730))
        .sign(key, None)
        .public_bytes(Encoding.DER)
    )
