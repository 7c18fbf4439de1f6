"""Writes of certificates: a deletion, and a failed one that is called off."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.sandbox.world import AccountState, certificates
from bot.sandbox.world.certificates import LiveCertificate

from ..listener import http_date
from .directory import Directory, missing
from .lists import check_certified, one
from .resources import Provisioned, certificate_body
from .routes import Handlers, Parts


class CertificateWrites:
    """The writes of the certificates of every account."""

    def __init__(self, directory: Directory, address: Callable[[], str]) -> None:
        self._directory = directory
        self._address = address
        self.handlers: Handlers = {
            ("DELETE", "certificate"): self._delete,
            ("GET", "certificate deletion"): self._deletion,
            ("POST", "certificate kept"): self._cancel_deletion,
        }

    def _find(self, request: web.Request, parts: Parts) -> tuple[AccountState, LiveCertificate | None]:
        account, wanted = check_certified(self._directory.account(parts), request), parts["certificate"].upper()
        filed = (Provisioned(live) for live in account.certificates.values())
        return account, next((one.live for one in filed if one.name == wanted), None)

    def _delete(self, request: web.Request, parts: Parts) -> web.Response:
        account, live = self._find(request, parts)
        if live is None:
            return web.Response(status=204)
        certificates.delete(account, live)
        return self._accepted(request, request.path.rpartition("/certificates/")[0], Provisioned(live).name)

    def _accepted(self, request: web.Request, home: str, name: str) -> web.Response:
        query = request.rel_url.with_path(f"{home}/certificateOperationResults/delete-{name}")
        where = query.with_query({"api-version": request.query["api-version"]})
        return web.Response(status=202, headers={"Location": f"{self._address()}{where}", "Retry-After": "15"})

    def _deletion(self, request: web.Request, parts: Parts) -> web.Response:
        name = parts["operation"].removeprefix("delete-")
        account = self._directory.account(parts)
        for live in account.certificates.values():
            if Provisioned(live).name == name.upper() and live.body.state == "deleting":
                return self._accepted(request, request.path.rpartition("/certificateOperationResults/")[0], name)
        return web.Response()

    def _cancel_deletion(self, request: web.Request, parts: Parts) -> web.Response:
        account, live = self._find(request, parts)
        if live is None:
            raise missing("Certificate", "certificate")
        certificates.cancel_deletion(account, live)
        return one(certificate_body(account, Provisioned(live)), http_date(live.body.state_transition_time))
