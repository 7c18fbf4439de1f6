"""What a request to the data plane carries once it was let in (query with names in lower case, version); its type."""

from __future__ import annotations

from typing import Final

from aiohttp import web

QUERY = web.RequestKey("query", dict[str, str])
VERSION = web.RequestKey("version", str)

CONTENT_TYPE: Final = "application/json;odata=minimalmetadata"
