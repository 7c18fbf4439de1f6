"""The Teams app package: what an administrator uploads so that people can add the bot.

A zip of ``manifest.json`` and two icons. The same settings and commands give the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from bot.chat.teams.message_extension import ABOUT, FIND, NAME
from bot.chat.teams.settings import TeamsSettings
from bot.domain.portal_links import PORTALS, SERVICE
from bot.settings import SettingsError
from bot.settings_file import Settings

SCHEMA_VERSION = "1.19"
_SCHEMA = f"https://developer.microsoft.com/en-us/json-schemas/teams/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json"
_SCOPES = ("personal", "team", "groupChat")
_LINKS = (*PORTALS, f"*.{SERVICE}")
"""Hosts whose links get a card when they are pasted."""
_EXTENSION = [
    {
        "id": FIND,
        "type": "query",
        "context": ["compose", "commandBox"],
        "title": "Find in Azure Batch",
        "description": "Put the card of a job, pool, schedule or account into a message",
        "initialRun": False,
        "parameters": [
            {
                "name": NAME,
                "title": "Name",
                "description": "A name, or a part of it",
                "inputType": "text",
            }
        ],
    },
    {
        "id": ABOUT,
        "type": "action",
        "context": ["message"],
        "title": "Ask about this message",
        "description": "Show the jobs, tasks, pools and nodes that a message names",
        "fetchTask": True,
    },
]
"""The commands of the message extension: ten at most, a title of 32 characters, a description of 128."""
_COMMANDS, _TITLE, _DESCRIPTION = 10, 32, 128
_ACCENT = "#0F6CBD"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_GUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

_SHORT = "Inspect, watch and chart Azure Batch from chat."
_FULL = (
    "Lists and shows accounts, pools, nodes, jobs and tasks of Azure Batch as cards with buttons, and draws how busy "
    "its cores are. Say help to see every command."
)


def build(settings: Settings, commands: Sequence[tuple[str, str]]) -> bytes:
    """The package as bytes of a zip file.

    ``commands`` are (title, description), the important ones first: Teams shows ten, with titles of 32 characters;
    longer titles are passed over, because a title is what gets typed. Raises SettingsError where the settings say
    too little for a package.
    """
    manifest = json.dumps(_manifest(settings, commands), indent=2, ensure_ascii=False).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in (("manifest.json", manifest), ("color.png", _color()), ("outline.png", _outline())):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, content)
    return buffer.getvalue()


def _manifest(settings: Settings, commands: Sequence[tuple[str, str]]) -> dict[str, object]:
    teams, public = settings.platform(TeamsSettings), urlsplit(settings.bot.public_url)
    if teams is None:
        raise SettingsError(["teams: is missing: add a table [teams] with app_id and tenant_id"])
    mistakes = []
    if not re.fullmatch(_GUID, teams.app_id):
        mistakes.append(f"teams.app_id: {teams.app_id!r} is no application id: it has the form 00000000-0000-…")
    if public.scheme != "https" or not public.hostname:
        mistakes.append("bot.public_url: Teams needs an https address: write it like https://bot.example.com")
    if mistakes:
        raise SettingsError(mistakes)
    short = f"Batch ({settings.bot.name})" if settings.bot.name != "batch" else "Batch"
    return {
        "$schema": _SCHEMA,
        "manifestVersion": SCHEMA_VERSION,
        "version": _version(),
        "id": teams.app_id,
        "developer": {
            "name": "batchbot",
            "websiteUrl": settings.bot.public_url,
            "privacyUrl": settings.bot.public_url,
            "termsOfUseUrl": settings.bot.public_url,
        },
        "name": {"short": short[:30], "full": "Azure Batch in chat"},
        "description": {"short": _SHORT, "full": _FULL},
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": _ACCENT,
        "bots": [
            {
                "botId": teams.app_id,
                "scopes": list(_SCOPES),
                "supportsFiles": True,
                "isNotificationOnly": False,
                "commandLists": [{"scopes": list(_SCOPES), "commands": _listed(commands)}],
            }
        ],
        "composeExtensions": [
            {
                "botId": teams.app_id,
                "commands": _EXTENSION,
                "messageHandlers": [{"type": "link", "value": {"domains": list(_LINKS)}}],
            }
        ],
        "permissions": ["identity", "messageTeamMembers"],
        "validDomains": [public.hostname],
    }


def _listed(commands: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    fitting = [(title, " ".join(words.split())) for title, words in commands if 0 < len(title) <= _TITLE]
    return [
        {"title": title, "description": words if len(words) <= _DESCRIPTION else words[: _DESCRIPTION - 1] + "…"}
        for title, words in fitting[:_COMMANDS]
    ]


def _version() -> str:
    """The program's version, without what Teams does not know (0.2.0.dev3 is 0.2.0)."""
    found = re.match(r"\d+\.\d+\.\d+", version("batchbot"))
    return found.group() if found else "0.0.0"


# The mark: nodes of a pool, three of them busy.
_BUSY = {(0, 1), (1, 1), (1, 2)}


def _color() -> bytes:
    """192x192: the mark in white on the accent colour, within the middle that Teams never crops."""
    image = Image.new("RGB", (192, 192), _ACCENT)
    _mark(ImageDraw.Draw(image), left=48, side=26, gap=9, idle="#6CA8DC", busy="#FFFFFF")
    return _png(image)


def _outline() -> bytes:
    """32x32: the mark in white on nothing."""
    image = Image.new("RGBA", (32, 32), (255, 255, 255, 0))
    _mark(ImageDraw.Draw(image), left=3, side=6, gap=4, idle=None, busy="#FFFFFF")
    return _png(image)


def _mark(draw: ImageDraw.ImageDraw, *, left: int, side: int, gap: int, idle: str | None, busy: str) -> None:
    for row in range(3):
        for column in range(3):
            x, y = left + column * (side + gap), left + row * (side + gap)
            box = (x, y, x + side - 1, y + side - 1)
            if (row, column) in _BUSY:
                draw.rectangle(box, fill=busy)
            else:
                draw.rectangle(box, fill=idle, outline=busy if idle is None else None)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
