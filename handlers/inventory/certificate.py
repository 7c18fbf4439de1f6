"""Certificates, on accounts that still have them."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import NameOID

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Certificate
from bot.filter import CERTIFICATE
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, facts, muted, refusal, text, when
from cards.card import Block, Bullets, Button, Card, Code, Column, Mark, Menu, Option, Text, Words
from cards.formatting import number
from handlers.shared.common import day, line, section, since, template, titled
from handlers.shared.filtering import Typed
from handlers.shared.listing import Listing, forwards
from handlers.shared.missing import missing
from handlers.shared.portal import portal
from handlers.shared.states import certificate_chip

_COLUMNS = (
    Column("Name", width=2),
    Column("Thumbprint", rank=1, width=4),
    Column("Algorithm", rank=2),
    Column("State", width=2),
    Column("Valid until", rank=3, width=2),
)
_GONE = (400, 404, 405, 409, 410, 501)
"""Answers of a service that does not know certificates; 401 and 403 are the asker's own trouble."""
_SOON_DAYS = 30


@dataclass(frozen=True)
class Known:
    """A certificate and its public part; None where there is none or it is not to be understood."""

    body: Certificate
    read: x509.Certificate | None

    @classmethod
    def of(cls, body: Certificate) -> Known:
        """With its public part read."""
        return cls(body, _read(body))

    @property
    def name(self) -> str:
        """The common name in its public part; the name that Resource Manager gives it where that cannot be read."""
        names = self.read.subject.get_attributes_for_oid(NameOID.COMMON_NAME) if self.read else []
        if names:
            return str(names[0].value)
        return f"{self.body.thumbprint_algorithm.upper()}-{self.body.thumbprint[:8]}…"

    @property
    def until(self) -> datetime | None:
        """Until when it is valid."""
        return self.read.not_valid_after_utc if self.read else None


def _by_name(known: Known) -> tuple[str, str]:
    return known.name.lower(), known.body.thumbprint


CertificateSort = Literal["state", "name", "until"]
_LIST: Listing[Known] = Listing(
    CERTIFICATE,
    "certificate list",
    "csv certificate",
    {
        "state": lambda known: (known.body.state.lower() == "active", _by_name(known)),
        "name": _by_name,
        "until": lambda known: (forwards(known.until), _by_name(known)),
    },
    {
        "certificate": lambda known: known.name,
        "thumbprint": lambda known: known.body.thumbprint,
        "algorithm": lambda known: known.body.thumbprint_algorithm,
        "state": lambda known: known.body.state,
        "since": lambda known: known.body.state_transition_time,
        "valid until": lambda known: known.until,
    },
)


@command(
    "certificate list",
    effect="read",
    examples=["certificate list", "certificate list deletefailed", "certificate list until<2027-01-01 sort:until"],
)
async def list_certificates(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: CertificateSort = "state",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the certificates of an account that still has them, those with problems first.

    :param filter: which ones, such as state:deletefailed name~render until<2027-01-01
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, page=page)
    try:
        found, at = await source.certificates()
    except AzureError as error:
        if error.status not in _GONE:
            raise
        return _no_longer(ctx, source, error)
    shown = asked.of(map(Known.of, found), at)
    failed = sum(each.body.state.lower() == "deletefailed" for each in shown.fitting)
    return Card(
        title=titled(
            f"Certificates in {source.name}",
            shown.words,
            shown.extent,
            f"{number(failed)} could not be deleted" if failed else None,
        ),
        mark=Mark.FAILED if failed else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            shown.table(_COLUMNS, lambda each: _row(each, at), "This account has no certificates."),
            build.actions(
                *shown.turning,
                build.open_menu(
                    "Details of",
                    template(ctx, source, "certificate show", "{}"),
                    [each.body.thumbprint for each in shown.rows],
                ),
                _cancel_menu(ctx, source, [each.body for each in shown.rows]),
                *shown.controls,
            ),
            _retiring() if shown.rows else None,
        ),
    )


@command("csv certificate", effect="read", examples=["csv certificate", "csv certificate deletefailed"])
async def csv_certificates(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: CertificateSort = "state",
    account: str | None = None,
) -> Card:
    """Export certificates as a CSV file, all or those that match a filter.

    :param filter: which ones, as in certificate list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, whole=True)
    try:
        found, at = await source.certificates()
    except AzureError as error:
        if error.status not in _GONE:
            raise
        return _no_longer(ctx, source, error)
    return await asked.as_file(map(Known.of, found), at, source.name)


@command("certificate show", effect="read", examples=["certificate show cff2ab63c8c955aaf71989efa641b906558d9fb7"])
async def show_certificate(
    ctx: Context, thumbprint: str, *, algorithm: str = "sha1", account: str | None = None
) -> Card:
    """Show one certificate: subject, validity, state, and why it could not be deleted.

    :param thumbprint: the certificate's thumbprint
    :param algorithm: how the thumbprint was made
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    try:
        fetched = await source.certificate(algorithm, thumbprint)
    except AzureError as error:
        if error.status not in _GONE:
            raise
        try:
            known, _ = await source.certificates()
        except AzureError as gone:
            return _no_longer(ctx, source, gone)
        everything = Button("All certificates", line(ctx, source, "certificate list"))
        names = (each.thumbprint for each in known)
        return missing(ctx, source, "certificate", thumbprint, source.name, names, ("certificate show",), everything)
    return certificate_card(ctx, source, fetched.value, fetched.at)


def certificate_card(ctx: Context, source: Account, found: Certificate, at: datetime) -> Card:
    """All of a certificate. Only its public part is ever sent by the service."""
    state = certificate_chip(found.state)
    known = Known.of(found)
    read = known.read
    return Card(
        title=titled(f"Certificate {known.name}", text(state), _validity(known.until, at)),
        mark=state.mark,
        as_of=at,
        blocks=blocks(
            *_error(found),
            facts(
                ("Thumbprint", code(found.thumbprint)),
                ("Algorithm", found.thumbprint_algorithm),
                ("State", since(state, found.state_transition_time)),
                ("Before", since(certificate_chip(found.previous_state).word, found.previous_state_transition_time)),
                ("Subject", read.subject.rfc4514_string() if read else None),
                ("Issued by", read.issuer.rfc4514_string() if read else None),
                ("Valid from", when(read.not_valid_before_utc) if read else None),
                ("Valid until", when(read.not_valid_after_utc) if read else None),
            ),
            *section("Public data", Code(found.public_data) if found.public_data else None),
            build.actions(
                _cancel(ctx, source, found),
                Button("All certificates", line(ctx, source, "certificate list")),
                Button(
                    "Refresh",
                    _line(ctx, source, "certificate show", found),
                    how="edit",
                ),
                Button("JSON", _line(ctx, source, "raw certificate", found)),
                portal(source, "certificates"),
            ),
            _retiring(),
        ),
    )


def _cancel_menu(ctx: Context, source: Account, shown: list[Certificate]) -> Menu | None:
    """Those whose deletion failed, to be kept."""
    failed = [each for each in shown if each.state.lower() == "deletefailed" and each.thumbprint_algorithm == "sha1"]
    if not failed or not ctx.allows("certificate cancel-deletion"):
        return None
    choose = template(ctx, source, "certificate cancel-deletion", "{}")
    return Menu("Cancel deletion of", choose, tuple(Option(Known.of(each).name, each.thumbprint) for each in failed))


def _line(ctx: Context, source: Account, path: str, found: Certificate) -> str:
    """A command about a certificate."""
    algorithm = found.thumbprint_algorithm if found.thumbprint_algorithm.lower() != "sha1" else None
    return line(ctx, source, path, found.thumbprint, algorithm=algorithm)


def _cancel(ctx: Context, source: Account, found: Certificate) -> Button | None:
    """The way back from a deletion that failed."""
    if found.state.lower() != "deletefailed" or not ctx.allows("certificate cancel-deletion"):
        return None
    return Button("Cancel deletion", _line(ctx, source, "certificate cancel-deletion", found), style="primary")


def _read(certificate: Certificate) -> x509.Certificate | None:
    """The public part; None where there is none or it is not to be understood."""
    try:
        read = x509.load_der_x509_certificate(base64.b64decode(certificate.public_data))
        _ = read.subject, read.issuer, read.not_valid_after_utc  # these are only parsed when they are asked for
    except (ValueError, binascii.Error, x509.InvalidVersion):
        return None
    return read


def _validity(until: datetime | None, at: datetime) -> Text | None:
    if until is None:
        return None
    days = (until - at).days
    if days < 0:
        return text(chip(Mark.FAILED, "expired"))
    return text(chip(Mark.WARNING, f"expires in {number(days)} days")) if days < _SOON_DAYS else None


def _row(known: Known, at: datetime) -> list[Text]:
    certificate, short = known.body, _validity(known.until, at)
    return [
        text(known.name),
        text(code(certificate.thumbprint)),
        text(certificate.thumbprint_algorithm.upper()),
        text(certificate_chip(certificate.state), " " if short else "", short),
        text(day(known.until) if known.until else muted("–")),
    ]


def _error(certificate: Certificate) -> list[Block]:
    error = certificate.delete_certificate_error
    if error is None:
        return []
    lines = [text(bold(error.code), ": ", error.message)]
    lines += [text(muted(f"{each.name}: "), each.value) for each in error.values]
    return section(
        "It could not be deleted",
        Bullets(tuple(lines)),
        Words(
            text(
                "Take it off the pools and nodes named above, then delete it again; or cancel the deletion to keep it."
            )
        ),
    )


def _retiring() -> Block | None:
    return build.note(
        "Azure has no certificates after api-version 2024-07-01.20.0: move what needs them to Azure Key Vault."
    )


def _no_longer(ctx: Context, source: Account, error: AzureError) -> Card:
    """The account has none, for good."""
    return refusal(
        f"Certificates are no longer offered on {source.name}.",
        "Azure has retired certificates of Batch accounts. Keep them in Azure Key Vault, and let nodes fetch them by "
        "the pool's managed identity or the Key Vault extension."
        f"\nAzure answered {error.code}: {error.message}",
        [Button("Pools", line(ctx, source, "pool list")), Button("Home", line(ctx, source, "home"))],
    )
