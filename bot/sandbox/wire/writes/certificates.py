"""Writes of certificates, where the api-version still has any: add, delete and cancel a deletion that failed."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from bot.sandbox.entity_requests import CertificateAdd
from bot.sandbox.world import certificates

from ..listener import Handler
from .answers import done
from .body import invalid, read

if TYPE_CHECKING:
    from ..inventory import InventoryRoutes

_ONE: Final = "/certificates(thumbprintAlgorithm={algorithm},thumbprint={thumbprint})"


class CertificateWrites:
    """The writes of the certificates of one account."""

    def __init__(self, reads: InventoryRoutes) -> None:
        self._reads = reads
        self._account = reads.account
        self.routes: Mapping[tuple[str, str], Handler] = {
            ("POST", "/certificates"): self._add,
            ("DELETE", _ONE): self._delete,
            ("POST", f"{_ONE}/canceldelete"): self._cancel_deletion,
        }

    async def _add(self, request: web.Request) -> web.Response:
        self._reads.check_served(request)
        given = await read(request, CertificateAdd)
        kind = (given.certificate_format or "pfx").capitalize()
        if given.thumbprint_algorithm.lower() != "sha1":
            raise invalid("thumbprintAlgorithm", given.thumbprint_algorithm, "The algorithm has to be sha1")
        public = _public(given, kind)
        if hashlib.sha1(public, usedforsecurity=False).hexdigest() != given.thumbprint.lower():
            raise invalid("thumbprint", given.thumbprint, "The thumbprint is not that of the certificate")
        live = certificates.add(self._account, given.thumbprint.lower(), public, kind)
        key = f"ThumbprintAlgorithm=sha1,Thumbprint={live.id}"
        return done(201, location=f"{self._account.facts.endpoint}/certificates({key})")

    async def _delete(self, request: web.Request) -> web.Response:
        certificates.delete(self._account, self._reads.find_certificate(request))
        return done(202)

    async def _cancel_deletion(self, request: web.Request) -> web.Response:
        certificates.cancel_deletion(self._account, self._reads.find_certificate(request))
        return done(204)


def _public(given: CertificateAdd, kind: str) -> bytes:
    """The certificate without its key. Raises `Refusal` (400) where nothing of the sort was sent."""
    try:
        data = base64.b64decode(given.data, validate=True)
        if kind == "Cer":
            return x509.load_der_x509_certificate(data).public_bytes(Encoding.DER)
        password = given.password.encode() if given.password else None
        _, found, _ = pkcs12.load_key_and_certificates(data, password)
    except (binascii.Error, ValueError):
        raise invalid("data", "", "The data is not a certificate of that format") from None
    if found is None:
        raise invalid("data", "", "The data has no certificate")
    return found.public_bytes(Encoding.DER)
