"""What an account offers and how the parts of runs fared, from applications and images to subtasks and logins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from bot.sandbox.world import Refused
from bot.sandbox.world.images import IMAGES

from .listener import Handler
from .tables import APPLICATIONS, IMAGE_TABLE

if TYPE_CHECKING:
    from .dataplane import DataPlane

_encode = msgspec.json.Encoder().encode


class InventoryRoutes:
    """Serves them for one account."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._account = plane.account
        self.routes: Mapping[str, Handler] = {
            "/applications": self._applications,
            "/applications/{application}": self._application,
            "/supportedimages": self._images,
        }

    async def _applications(self, request: web.Request) -> web.Response:
        summaries = [one.summary for _, one in sorted(self._account.applications.items())]
        found = [summary for summary in summaries if summary is not None]
        return await self._plane.listed(request, APPLICATIONS, found, lambda summary: summary)

    async def _application(self, request: web.Request) -> web.Response:
        wanted = request.match_info["application"].lower()
        for app_id, application in self._account.applications.items():
            if app_id.lower() == wanted and (summary := application.summary) is not None:
                return self._plane.element("getapplicationsummaryresponse/@Element", _encode(summary))
        raise Refused(404, "ApplicationNotFound", "The specified application does not exist.")

    async def _images(self, request: web.Request) -> web.Response:
        return await self._plane.listed(request, IMAGE_TABLE, IMAGES, lambda image: image.body)
