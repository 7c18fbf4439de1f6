"""What people attach or paste for a command: fetched once, kept in the store, and referred to as ``file:ID``.

So a request stays small however much comes with it, a crash loses nothing that was fetched, and a change that is
confirmed or approved later is made from the very content that was shown. Content is bound to the person and the
conversation that it came from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from msgspec.structs import replace

from bot.chat.port import AttachedFile, FetchError
from bot.chat.request import CommandRequest
from bot.requests.command import CommandError
from bot.requests.preferences import place_of
from cards.form_values import FILE
from storage.port.uploads import Upload, UploadStore
from storage.retention import Retention

MOST_BYTES = 20_000_000
"""Of what is attached to one field, all files together: 10,000 tasks of 2 kB."""
_OURS = re.compile(r"u[0-9a-f]{24}", re.ASCII)

Fetch: TypeAlias = Callable[[CommandRequest, str, int], Awaitable[AttachedFile]]
"""As :meth:`bot.chat.port.Chat.fetch`."""


class Uploads:
    """Takes content in, and gives it to the person who brought it. ``fetch`` is None where nothing can be attached."""

    def __init__(self, store: UploadStore, fetch: Fetch | None = None) -> None:
        self._store = store
        self._fetch = fetch

    async def taken_in(self, request: CommandRequest, names: Sequence[str]) -> CommandRequest:
        """The request with ``file:ID`` for what was pasted or attached; itself where nothing was.

        ``names`` are the command's fields that take files: what is attached to a message goes to the first of them.
        Doing it again, as after a crash, gives the same request. Raises CommandError for what cannot be had.
        """
        values = dict(request.values)
        for name in names:
            if (value := values.get(name, "").strip()) and not is_reference(value):
                values[name] = await self._one(request, name, value)
        text, files = request.text, request.files
        if names and files:
            attached = ",".join(FILE + each for each in files)
            text, files = f"{text} {names[0]}:{await self._one(request, names[0], attached)}", ()
        if (values, text) == (request.values, request.text):
            return request
        return replace(request, values=values, text=text, files=files)

    async def _one(self, request: CommandRequest, name: str, value: str) -> str:
        """Keep what one field has, and return the reference to it."""
        content, called = value.encode("utf-8", "replace"), ""
        if value.startswith(FILE):
            parts = [each.removeprefix(FILE) for each in value.split(",") if each]
            if len(parts) > 1:
                raise CommandError("One file at a time: put everything into one, or add one after the other.")
            called, content = await self._fetched(request, parts[0])
        return await self.keep(request, name, called, content)

    async def _fetched(self, request: CommandRequest, reference: str) -> AttachedFile:
        if self._fetch is None:
            raise CommandError("Nothing can be attached here: paste what is in the file.")
        try:
            return await self._fetch(request, reference, MOST_BYTES)
        except FetchError as error:
            raise CommandError(str(error)) from error

    async def keep(self, request: CommandRequest, name: str, called: str, content: bytes) -> str:
        """Keep content for the asker, here; ``name`` says what for. Returns the reference. Raises CommandError."""
        if not content:
            raise CommandError(f"{called or 'What was pasted'} is empty.")
        upload = upload_of(request, name, called, content)
        await self._store.put_upload(upload)
        return FILE + upload.id

    async def read(self, request: CommandRequest, reference: str) -> Upload:
        """What a reference means to the asker, here. Raises CommandError where it means nothing to them."""
        upload = await self._store.upload(reference.removeprefix(FILE), datetime.now(UTC))
        if upload is None:
            raise CommandError("That file is not kept any more: attach or paste it again.")
        if (upload.person, upload.conversation) != (request.person.key, place_of(request)):
            raise CommandError("That file was attached by somebody else, or elsewhere: attach or paste it yourself.")
        return upload


def is_reference(value: str) -> bool:
    """Whether a value refers to an upload that is kept."""
    return value.startswith(FILE) and _OURS.fullmatch(value.removeprefix(FILE)) is not None


def upload_of(request: CommandRequest, name: str, called: str, content: bytes) -> Upload:
    """The upload of a request's field: the same request has the same one, however often it is worked on."""
    id_ = "u" + hashlib.sha256(f"{request.key}\0{name}".encode()).hexdigest()[:24]
    expires = datetime.now(UTC) + Retention().uploads
    return Upload(id_, request.person.key, place_of(request), called, content, expires)
