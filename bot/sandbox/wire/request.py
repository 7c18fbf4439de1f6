"""What a request carries once it was let in: its query, with names in lower case, and its api-version."""

from __future__ import annotations

from aiohttp import web

QUERY = web.RequestKey("query", dict[str, str])
VERSION = web.RequestKey("version", str)
