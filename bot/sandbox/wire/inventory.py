"""What an account offers and how the parts of runs fared, from applications and images to subtasks and logins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from bot.sandbox.entity_inventory import Certificate, RemoteLoginSettings
from bot.sandbox.world import Refused
from bot.sandbox.world.certificates import RETIRED, LiveCertificate
from bot.sandbox.world.images import IMAGES
from bot.sandbox.world.node_extensions import extensions
from bot.sandbox.world.parts_of_runs import statuses, subtasks

from .errors import Refusal
from .listener import Handler
from .request import VERSION
from .tables import APPLICATIONS, CERTIFICATES, EXTENSIONS, IMAGE_TABLE, PREPARATIONS, SUBTASKS
from .versions import NEWEST

if TYPE_CHECKING:
    from .dataplane import DataPlane

LOGIN: Final = "Microsoft.Azure.Batch.Protocol.Entities.RemoteLoginSettings"

_encode = msgspec.json.Encoder().encode


class InventoryRoutes:
    """Serves them for one account."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self.account = plane.account
        self.routes: Mapping[str, Handler] = {
            "/applications": self._applications,
            "/applications/{application}": self._application,
            "/supportedimages": self._images,
            "/certificates": self._certificates,
            "/certificates(thumbprintAlgorithm={algorithm},thumbprint={thumbprint})": self._certificate,
            "/jobs/{job}/jobpreparationandreleasetaskstatus": self._preparations,
            "/jobs/{job}/tasks/{task}/subtasksinfo": self._subtasks,
            "/pools/{pool}/nodes/{node}/remoteloginsettings": self._login,
            "/pools/{pool}/nodes/{node}/rdp": self._remote_desktop,
            "/pools/{pool}/nodes/{node}/extensions": self._extensions,
            "/pools/{pool}/nodes/{node}/extensions/{extension}": self._extension,
        }

    async def _applications(self, request: web.Request) -> web.Response:
        summaries = [one.summary for _, one in sorted(self.account.applications.items())]
        found = [summary for summary in summaries if summary is not None]
        return await self._plane.listed(request, APPLICATIONS, found, lambda summary: summary)

    async def _application(self, request: web.Request) -> web.Response:
        wanted = request.match_info["application"].lower()
        for app_id, application in self.account.applications.items():
            if app_id.lower() == wanted and (summary := application.summary) is not None:
                return self._plane.element("getapplicationsummaryresponse/@Element", _encode(summary))
        raise Refused(404, "ApplicationNotFound", "The specified application does not exist.")

    async def _images(self, request: web.Request) -> web.Response:
        return await self._plane.listed(request, IMAGE_TABLE, IMAGES, lambda image: image.body)

    # --- certificates -------------------------------------------------------------------------------------------------

    def check_served(self, request: web.Request) -> None:
        """The newest documents have no certificates; whether the older ones are still answered is the switch's."""
        if request[VERSION] == NEWEST:
            raise Refusal("ResourceNotFound")
        if not self.account.certificates_served:
            raise Refusal(RETIRED)

    def _certificate_body(self, live: LiveCertificate) -> Certificate:
        body = live.body
        key = f"thumbprintAlgorithm={body.thumbprint_algorithm},thumbprint={body.thumbprint}"
        body.url = f"{self.account.facts.endpoint}/certificates({key})"
        return body

    async def _certificates(self, request: web.Request) -> web.Response:
        self.check_served(request)
        found = [live for _, live in sorted(self.account.certificates.items())]
        return await self._plane.listed(request, CERTIFICATES, found, self._certificate_body)

    async def _certificate(self, request: web.Request) -> web.Response:
        return self._plane.one(request, CERTIFICATES, self._certificate_body(self.find_certificate(request)))

    def find_certificate(self, request: web.Request) -> LiveCertificate:
        """The certificate that the path names. Raises `Refusal` (400, 404) or `Refused` (404)."""
        self.check_served(request)
        live = self.account.certificates.get(request.match_info["thumbprint"].lower())
        if live is None or live.body.thumbprint_algorithm != request.match_info["algorithm"].lower():
            raise Refused(404, "CertificateNotFound", "The specified certificate does not exist.")
        return live

    # --- parts of runs ------------------------------------------------------------------------------------------------

    async def _preparations(self, request: web.Request) -> web.Response:
        job = self.account.job(request.match_info["job"])
        found = statuses(self.account.facts.endpoint, job, self.account.world.time)
        return await self._plane.listed(request, PREPARATIONS, found, lambda status: status.body)

    async def _subtasks(self, request: web.Request) -> web.Response:
        job = self.account.job(request.match_info["job"])
        task = self.account.task(job.id, request.match_info["task"])
        found = subtasks(self.account.facts.endpoint, job, task)
        return await self._plane.listed(request, SUBTASKS, found, lambda subtask: subtask.body)

    async def _remote_desktop(self, request: web.Request) -> web.Response:
        """A file for machines of cloud services, of which none is left; newer api-versions do not have it."""
        if request[VERSION] >= "2024-07":
            raise Refusal("ResourceNotFound")
        self.account.node(request.match_info["pool"], request.match_info["node"])
        raise Refused(
            409,
            "OperationNotValidOnNode",
            "The specified operation is not valid on the node.",
            Reason="Operation GetRDP can be invoked only on pools created with cloudServiceConfiguration",
        )

    async def _extensions(self, request: web.Request) -> web.Response:
        node = self.account.node(request.match_info["pool"], request.match_info["node"])
        return await self._plane.listed(request, EXTENSIONS, extensions(node), lambda extension: extension.body)

    async def _extension(self, request: web.Request) -> web.Response:
        node, wanted = (
            self.account.node(request.match_info["pool"], request.match_info["node"]),
            request.match_info["extension"].lower(),
        )
        for extension in extensions(node):
            if extension.id.lower() == wanted:
                return self._plane.one(request, EXTENSIONS, extension.body)
        raise Refused(404, "VMExtensionNotFound", "The specified VM extension does not exist.")

    async def _login(self, request: web.Request) -> web.Response:
        node = self.account.node(request.match_info["pool"], request.match_info["node"])
        if node.state == "creating":
            raise Refused(409, "NodeBeingCreated", "The specified node is being created")
        config = node.body.endpoint_configuration
        for endpoint in config.inbound_endpoints if config is not None else ():
            if endpoint.backend_port in (22, 3389) and endpoint.public_ip_address is not None:
                settings = RemoteLoginSettings(
                    remote_login_ip_address=endpoint.public_ip_address, remote_login_port=endpoint.frontend_port
                )
                return self._plane.element(LOGIN, _encode(settings))
        raise Refused(409, "OperationNotValidOnNode", "The specified operation is not valid on the node.")
