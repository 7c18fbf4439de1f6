"""Files: reserve an id, upload the bytes, complete, and wait until they are processed."""

from __future__ import annotations

import asyncio
import io
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from PIL import Image, UnidentifiedImageError

from bot.sandbox.slack.errors import Refused, StandInError
from bot.sandbox.slack.model import Message, Workspace
from bot.sandbox.slack.people import BOT_USER, TEAM, Json

MOST_BYTES = 1_000_000_000
_IMAGES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif"}
_THUMBNAILS = (64, 80, 160, 360, 480, 720, 800, 960, 1024)


@dataclass
class File:
    """One file. ``ready`` is set when processing ended; only then type and size of a picture are known."""

    id: str
    name: str
    length: int
    created: int
    title: str = ""
    alt: str = ""
    data: bytes | None = None
    completed: bool = False
    ready: bool = False
    kind: str = ""
    width: int = 0
    height: int = 0
    owner: str = BOT_USER
    channels: set[str] = field(default_factory=set)
    shares: list[tuple[str, str]] = field(default_factory=list)

    @property
    def mimetype(self) -> str:
        """The content type; empty until the file is processed."""
        if not self.ready:
            return ""
        if self.kind:
            return "image/jpeg" if self.kind == "jpg" else f"image/{self.kind}"
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def process(self) -> None:
        """Look into the bytes, as Slack does after an upload was completed."""
        try:
            with Image.open(io.BytesIO(self.data or b"")) as picture:
                self.width, self.height = picture.size
                self.kind = _IMAGES.get(picture.format or "", "")
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
            self.kind = ""
        self.ready = True


class Files:
    """All files of the workspace; ``url`` is where the stand-in listens."""

    def __init__(self, workspace: Workspace, processing: tuple[float, float]) -> None:
        self.url = ""
        self._workspace = workspace
        self._processing = processing
        self._files: dict[str, File] = {}
        self._uploads: dict[str, File] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def reserve(self, name: str, length: int, alt: str) -> tuple[File, str]:
        """A new file and the address its bytes go to."""
        if not 0 < length <= MOST_BYTES:
            raise Refused("invalid_arguments", ["[ERROR] must be a positive length [json-pointer:/length]"])
        file = File(self._workspace.id("F"), name, length, int(self._workspace.clock()), alt=alt)
        self._files[file.id] = file
        path = f"/upload/v1/{self._workspace.id('', 32)}"
        self._uploads[path] = file
        return file, self.url + path

    def attach(self, user: str, name: str, data: bytes) -> File:
        """A person's own file, ready at once: what the client uploads while a form is filled in."""
        if not 0 < len(data) <= MOST_BYTES:
            raise StandInError("file_empty_or_too_large", name)
        created = int(self._workspace.clock())
        file = File(self._workspace.id("F"), name, len(data), created, name, data=data, completed=True, owner=user)
        file.process()
        self._files[file.id] = file
        return file

    def receive(self, path: str, data: bytes) -> str:
        """Take the bytes; answers as the upload host does. Refused: invalid_upload_url, length_mismatch."""
        file = self._uploads.get(path)
        if file is None or file.data is not None:
            raise Refused("invalid_upload_url")
        if len(data) != file.length:
            raise Refused("length_mismatch")
        file.data = data
        return f"OK - {len(data)}"

    def complete(self, items: Iterable[Mapping[str, Any]], shares: Iterable[tuple[str, str | None, str]]) -> list[File]:
        """Finish uploads and begin to process them; ``shares`` are (channel, thread, comment) to post them to."""
        items, files = list(items), []
        for item in items:
            file = self._files.get(str(item.get("id")))
            if file is None or file.data is None or file.completed:
                raise Refused("file_not_found")
            files.append(file)
        for file, item in zip(files, items, strict=True):
            file.completed = True
            file.title = str(item.get("title") or file.name)
        task = asyncio.create_task(self._process(files, list(shares)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return files

    async def _process(self, files: list[File], shares: list[tuple[str, str | None, str]]) -> None:
        await asyncio.sleep(self._workspace.random.uniform(*self._processing))
        for file in files:
            await asyncio.to_thread(file.process)
            self._workspace.announce({"type": "file_ready", "file": self.wire(file)})
        for channel, thread, comment in shares:
            ts = self._workspace.ts()
            for file in files:
                file.channels.add(channel)
                file.shares.append((channel, ts))
            told = [self.wire(file) for file in files]
            self._workspace.post(Message(ts, channel, BOT_USER, comment, thread_ts=thread, files=told))

    async def close(self) -> None:
        """Stop processing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def get(self, file_id: str) -> File | None:
        """A file whose upload was completed."""
        file = self._files.get(file_id)
        return file if file and file.completed else None

    def referred(self, reference: Mapping[str, object]) -> File | None:
        """The file that a ``slack_file`` object means."""
        for file in self._files.values():
            if reference.get("id") == file.id or reference.get("url") in (self._private(file), self._permalink(file)):
                return file
        return None

    def image_ready(self, reference: Mapping[str, object]) -> bool:
        """Whether a ``slack_file`` may be shown now."""
        file = self.referred(reference)
        return file is not None and file.ready and bool(file.kind)

    def refer(self, blocks: Iterable[Mapping[str, Any]], channel: str) -> None:
        """A message in ``channel`` shows these blocks: whoever reads it may see the files in them."""
        for block in blocks:
            for part in (block, block.get("accessory"), *(block.get("elements") or ())):
                reference = part.get("slack_file") if isinstance(part, dict) else None
                if reference and (file := self.referred(reference)):
                    file.channels.add(channel)

    def _private(self, file: File) -> str:
        return f"{self.url}/files-pri/{TEAM}-{file.id}/{_safe(file.name)}"

    def _permalink(self, file: File) -> str:
        return f"{self.url}/files/{BOT_USER}/{file.id}/{_safe(file.name)}"

    def wire(self, file: File) -> Json:
        """Slack's file object. Type, dimensions and thumbnails come with processing."""
        kind = (file.kind or PurePosixPath(file.name).suffix.lstrip(".") or "binary") if file.ready else ""
        body: Json = {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title or file.name,
            "mimetype": file.mimetype,
            "filetype": kind,
            "pretty_type": kind.upper(),
            "user": file.owner,
            "user_team": TEAM,
            "editable": False,
            "size": file.length,
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": any(self._workspace.channels[channel].kind == "channel" for channel in file.channels),
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": self._private(file),
            "url_private_download": self._private(file).replace(f"-{file.id}/", f"-{file.id}/download/"),
            "media_display_type": "unknown",
            "permalink": self._permalink(file),
            "permalink_public": f"{self.url}/{TEAM}-{file.id}",
            "has_rich_preview": False,
            "channels": sorted(c for c in file.channels if self._workspace.channels[c].kind == "channel"),
            "groups": [],
            "ims": sorted(c for c in file.channels if self._workspace.channels[c].kind == "im"),
            "shares": self._shares(file),
            "file_access": "visible",
        }
        if file.alt:
            body["alt_txt"] = file.alt
        if file.kind:
            body |= {"original_w": file.width, "original_h": file.height}
            body |= {
                f"thumb_{size}": self._private(file) for size in _THUMBNAILS if size <= max(file.width, file.height)
            }
        return body

    def _shares(self, file: File) -> Json:
        shares: Json = {}
        for channel, ts in file.shares:
            kind = "public" if self._workspace.channels[channel].kind == "channel" else "private"
            shares.setdefault(kind, {}).setdefault(channel, []).append({"ts": ts, "team_id": TEAM})
        return shares


def _safe(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name).lower()
