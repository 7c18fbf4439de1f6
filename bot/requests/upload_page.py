"""The page on which somebody uploads a file for a command, where the platform takes none: one signed link, one use.

A link is made for one person, conversation and command. What is uploaded is run as that command, by that person's
permission, and its answer takes the place of the card that the link was asked from: the page itself changes nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TypeAlias

import msgspec
import structlog
from aiohttp import BodyPartReader, web
from msgspec.structs import replace

from bot.chat.request import CommandRequest
from bot.content.links import Signer
from bot.requests.uploads import MOST_BYTES, upload_of
from cards.formatting import file_size
from cards.text_fit import file_name
from storage.port.decoding import decoded
from storage.port.uploads import UploadStore, UploadTicket

log = structlog.get_logger()

LASTS = timedelta(minutes=15)
_PIECE = 1 << 16
_SECONDS = 120.0
"""In which an upload has to be through."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

Accept: TypeAlias = Callable[[CommandRequest], Awaitable[object]]
"""As :meth:`bot.chat.port.RequestIntake.accept`: None where this request came before."""


class _Refused(Exception):
    """Nothing was taken: the status and the sentence that say why. ``again`` where the form can be sent again."""

    def __init__(self, status: int, why: str, *, again: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.again = again


class UploadPage:
    """Makes links and answers them.

    ``public_url`` is as the settings checked it; ``accept`` takes the request that an upload makes.
    """

    def __init__(
        self,
        store: UploadStore,
        signer: Signer,
        public_url: str,
        accept: Accept,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._signer = signer
        self._base = public_url.rstrip("/")
        self._accept = accept
        self._clock = clock

    async def link(self, request: CommandRequest, command: str) -> tuple[str, datetime]:
        """An address at which the asker uploads once, and until when.

        ``command`` ends where the reference to what they upload belongs (``task add nightly tasks:``). Where the
        request came from a button, the answer edits the message that has it.
        """
        id_ = secrets.token_hex(16)
        expires = (self._clock() + LASTS).replace(microsecond=0)
        how = "edit" if request.message else "post"
        continued = replace(request, key=f"upload:{id_}", text=command, how=how, values={}, files=())
        await self._store.put_upload_ticket(UploadTicket(id_, msgspec.json.encode(continued), expires))
        until = int(expires.timestamp())
        return f"{self._base}/upload/{id_}?exp={until}&sig={await self._signer.sign(f'upload:{id_}', until)}", expires

    def routes(self) -> list[web.RouteDef]:
        """The form, and where it is sent."""
        path = "/upload/{id:[0-9a-f]{32}}"
        return [web.get(path, self._shown), web.post(path, self._sent)]

    async def _shown(self, request: web.Request) -> web.Response:
        """The form; 403, 409 or 410 with a page that says why there is none."""
        try:
            ticket, asked = await self._ticket(request)
            if await self._store.upload(_upload_id(asked), self._clock()):
                raise _used()
        except _Refused as error:
            return _page(error.status, "Nothing to upload here", f"<p>{escape(str(error))}</p>")
        return _page(200, "Upload tasks", _form(asked, ticket.expires))

    async def _sent(self, request: web.Request) -> web.Response:
        """Take what was sent: the first one of two that come at once."""
        try:
            ticket, asked = await self._ticket(request)
            try:
                async with asyncio.timeout(_SECONDS):
                    called, content = await _content(request)
            except TimeoutError:
                raise _Refused(408, "That took too long. Try again.", again=True) from None
            upload = upload_of(asked, "", called, content)
            kept = await self._store.put_upload(upload)
            # The journal takes it once. What was kept before, and not accepted because of a crash, goes on by this too.
            await self._accept(replace(asked, text=f"{asked.text}file:{upload.id}"))
            if not kept:
                raise _used()
        except _Refused as error:
            log.info("upload.refused", status=error.status)
            form = _form(asked, ticket.expires) if error.again else ""
            return _page(error.status, "Nothing was taken", f"<p class=bad>{escape(str(error))}</p>{form}")
        log.info("upload.taken", bytes=len(content))
        what = f"{escape(called) or 'What you pasted'} ({file_size(len(content))}) was taken."
        next_step = "Go back to the chat: the card there goes on, and asks you before anything is added."
        return _page(200, "Taken", f"<p class=good>✔ {what}</p><p>{next_step} You can close this page.</p>")

    async def _ticket(self, request: web.Request) -> tuple[UploadTicket, CommandRequest]:
        """The ticket of a link, and the request it is for. Raises _Refused."""
        id_, now = request.match_info["id"], self._clock()
        try:
            await self._signer.check(request, f"upload:{id_}", now)
        except web.HTTPGone:
            raise _expired() from None
        except web.HTTPException:
            raise _Refused(403, "This link is not one of ours.") from None
        ticket = await self._store.upload_ticket(id_, now)
        asked = decoded(ticket.request, CommandRequest) if ticket else None
        if ticket is None or asked is None:
            raise _expired()
        return ticket, asked


def _upload_id(asked: CommandRequest) -> str:
    return upload_of(asked, "", "", b"").id


def _used() -> _Refused:
    return _Refused(409, "Something was uploaded by this link already: the card in the chat has it.")


def _expired() -> _Refused:
    return _Refused(410, "This link has expired: press the button in the chat again.")


async def _content(request: web.Request) -> tuple[str, bytes]:
    """The file's name and what is in it, or what was pasted. Raises _Refused."""
    if request.content_type != "multipart/form-data":
        raise _Refused(415, "Use the form of this page.", again=True)
    called, found = "", b""
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            content = await _part(part)
            if content.strip() and not found:
                called, found = file_name(part.filename) if part.filename else "", content
    except ValueError:
        raise _Refused(400, "The upload was cut short. Try again.", again=True) from None
    if not found:
        raise _Refused(400, "Choose a file that is not empty, or paste what is in it.", again=True)
    return called, found


async def _part(part: BodyPartReader) -> bytes:
    body = bytearray()
    while piece := await part.read_chunk(_PIECE):
        body += piece
        if len(body) > MOST_BYTES:
            raise _Refused(413, f"That is larger than {file_size(MOST_BYTES)}, which is the most.", again=True)
    return bytes(body)


def _form(asked: CommandRequest, expires: datetime) -> str:
    command = escape(f"{asked.text}…")
    where = escape(asked.conversation.name) if asked.conversation.name else "the chat"
    who = escape(asked.person.name or asked.person.id)
    return f"""
<p><code>{command}</code></p>
<p>Asked by {who} in {where}. This link takes one upload, until {expires:%H:%M} UTC.</p>
<form method="post" enctype="multipart/form-data">
<label for="file">JSON or CSV, {file_size(MOST_BYTES)} at most</label>
<input id="file" type="file" name="file" accept=".json,.jsonl,.ndjson,.csv,.tsv,.txt,application/json,text/csv">
<label for="text">or paste it</label>
<textarea id="text" name="text" rows="6" spellcheck="false" autocapitalize="off" autocomplete="off"></textarea>
<button type="submit">Upload</button>
</form>
<p class=small>You see what will be added before anything is.</p>"""


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:24px 16px;max-width:34rem;overflow-wrap:anywhere}}
h1{{font-size:1.4rem;margin:0 0 12px}}label{{display:block;margin:16px 0 4px;font-weight:600}}
input,textarea,button{{font:inherit;width:100%;box-sizing:border-box}}
textarea,input{{padding:10px;border:1px solid #8884;border-radius:6px}}textarea{{font-family:monospace;font-size:14px}}
button{{margin-top:16px;padding:12px;border:0;border-radius:6px;background:#0f6cbd;color:#fff;font-weight:600}}
.good{{color:#107c10;font-weight:600}}.bad{{color:#c4314b;font-weight:600}}.small{{font-size:14px;opacity:.8}}
@media(prefers-color-scheme:dark){{.good{{color:#6ccb5f}}.bad{{color:#ff99a4}}}}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>
"""


def _page(status: int, title: str, body: str) -> web.Response:
    text = _PAGE.format(title=title, body=body)
    return web.Response(status=status, text=text, content_type="text/html", charset="utf-8", headers=_HEADERS)
