"""local-slack, a Slack that somebody else wrote: installed by npm, run on this machine, driven by its control API.

It checks nothing of what it is sent (our own stand-in does), but it signs, speaks Socket Mode, keeps messages, modals
and files by its author's reading of Slack, which is not ours. It listens on every interface of the machine; there is
no option against that.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.skips import lacking, need

Json = dict[str, Any]

HERE = Path(__file__).parent
BOT = "U0BATCHBOT"
BOT_TOKEN = "xoxb-local-slack"
APP_TOKEN = "xapp-local-slack"
SIGNING_SECRET = "local-slack-signing-secret"
PEOPLE = {"U0VIEWER": "Asia/Kolkata", "U0OPERATOR": "Asia/Tokyo", "U0STRANGER": "UTC"}  # no summer time
_PROGRAM = "node_modules/local-slack-linux-x64/bin/local-slack"
_PATIENCE = 20.0


def installed() -> Path:
    """The program, fetched once for each lock file and kept outside the repository; skips where that cannot be."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        lacking("npm", "local-slack is built for Linux on x64 only")
    need("npm")
    lock = HERE / "package-lock.json"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "batchbot"
    home = cache / f"e2e-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not (home / _PROGRAM).exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = Path(scratch, "made")
            made.mkdir()
            for file in (lock, HERE / "package.json"):
                shutil.copy(file, made)
            fetched = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=made,
                capture_output=True,
                text=True,
                check=False,
            )
            if fetched.returncode:
                lacking("npm", f"npm could not install local-slack: {fetched.stderr.strip()[-500:]}")
            with contextlib.suppress(OSError):  # another process was faster
                made.rename(home)
    return home / _PROGRAM


async def until(true: Callable[[], Awaitable[Any]]) -> Any:
    """The first truthy answer. Raises TimeoutError when none comes for a long time."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            if found := await true():
                return found
            await asyncio.sleep(0.03)


class LocalSlack:
    """One workspace with the bot as its only app; delivers to ``events_url``, or by Socket Mode without one."""

    def __init__(self, program: Path, folder: Path, *, events_url: str = "", secret: str = SIGNING_SECRET) -> None:
        app = {
            "appId": "A0BATCHBOT",
            "botUserId": BOT,
            "botName": "batchbot",
            "botToken": BOT_TOKEN,
            "appToken": APP_TOKEN,
            "signingSecret": secret,
            **({"mode": "events", "requestUrl": events_url} if events_url else {"mode": "socket"}),
        }
        people = [{"id": id_, "name": id_[2:].lower(), "tz": zone} for id_, zone in PEOPLE.items()]
        self.events_url = events_url
        self._config = folder / "local-slack.json"
        self._config.write_text(json.dumps({"apps": [app], "users": people}))
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._rooms = 0
        self.url = ""

    @property
    def api_url(self) -> str:
        """The base address of the Web API."""
        return f"{self.url}/api/"

    async def start(self) -> None:
        """Run it on a free port; ``url`` is known afterwards."""
        self._process = await asyncio.create_subprocess_exec(
            *(self._program, "--config", self._config, "--port", "0", "--base-host", "127.0.0.1"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout
        said = b""
        async with asyncio.timeout(_PATIENCE):
            while not (found := re.search(rb"Control API: +(http://[\d.:]+)", said)):
                line = await self._process.stdout.readline()
                assert line, f"local-slack ended: {said.decode()}"
                said += line
        self.url = found.group(1).decode()
        self._session = aiohttp.ClientSession(self.url, headers={"Authorization": f"Bearer {BOT_TOKEN}"})

    async def close(self) -> None:
        """End it."""
        if self._session:
            await self._session.close()
        if self._process:
            self._process.terminate()
            await self._process.communicate()

    # What the people do

    async def room(self) -> str:
        """A new channel that the bot is in."""
        self._rooms += 1
        made = await self._post("/api/conversations.create", name=f"room-{self._rooms}")
        return str(made["channel"]["id"])

    async def direct(self, user: str) -> str:
        """The direct conversation of ``user`` and the bot."""
        made = await self._post("/api/conversations.open", users=user)
        return str(made["channel"]["id"])

    async def say(self, user: str, channel: str, text: str, *, thread: str = "") -> str:
        """Write a message and return its ts."""
        more = {"thread_ts": thread} if thread else {}
        said = await self._post("/_control/message", user=user, channel=channel, text=text, **more)
        return str(said["message"]["ts"])

    async def command(self, user: str, channel: str, text: str) -> None:
        """Use the slash command; returns when the bot acknowledged."""
        await self._post("/_control/command", user=user, channel=channel, command="/batch", text=text)

    async def press(self, user: str, message: Json, label: str) -> None:
        """Press the button of a message."""
        button = _found(message, lambda each: each.get("text", {}).get("text") == label, label)
        await self._interact(user, message, button)

    async def choose(self, user: str, message: Json, menu: str, label: str) -> None:
        """Choose from the menu of a message, named by its placeholder."""
        select = _found(message, lambda each: each.get("placeholder", {}).get("text") == menu, menu)
        option = next(each for each in select["options"] if each["text"]["text"] == label)
        await self._interact(user, message, {**select, "selected_option": option})

    async def submit(self, user: str, form: Json, **chosen: str) -> None:
        """Send the modal on top, with ``field="label of the choice"``, and wait until it has gone.

        What is not chosen goes as the form had it filled in: a person's own Slack does that, not the server.
        """
        assert self._session
        state: Json = {}
        for block in form["blocks"]:
            if block["type"] == "input":
                element, wish = block["element"], chosen.get(block["block_id"].partition(":")[2])
                state[block["block_id"]] = {element["action_id"]: _filled(element, wish)}
        async with self._session.ws_connect("/ui") as page:
            await page.receive_json()
            await page.send_json({"t": "view_submit", "user": user, "values": state})
            async with asyncio.timeout(_PATIENCE):
                while (heard := await page.receive_json())["t"] != "view":
                    pass
        assert heard["stack"] == []

    async def _interact(self, user: str, message: Json, action: Json) -> None:
        where = {"channel": message["channel"], "messageTs": message["ts"]}
        await self._post("/_control/interact", user=user, action=action, **where)

    # What the people see

    async def messages(self, channel: str) -> list[Json]:
        """What the bot said in a channel, oldest first."""
        found = (await self._get(f"/_control/messages/{channel}"))["messages"]
        return [message for message in found if message["user"] == BOT]

    async def answer(self, channel: str, *, after: int = 0, has: str = "", edited: bool = False) -> Json:
        """The bot's message number ``after``, once it is there, says ``has`` and, if wanted, was edited."""

        async def look() -> Json | None:
            said = await self.messages(channel)
            if len(said) <= after or has not in everything(said[after]) or (edited and "edited" not in said[after]):
                return None
            return said[after]

        try:
            return dict(await until(look))
        except TimeoutError:
            said = [message["text"] for message in await self.messages(channel)]
            raise AssertionError(f"no message number {after} with {has!r} among {said}") from None

    async def modal(self) -> Json:
        """The modal that is open, once there is one."""
        assert self._session

        async def look() -> Json | None:
            assert self._session
            async with self._session.ws_connect("/ui") as page:
                stack = (await page.receive_json())["state"]["modalStack"]
            return stack[-1] if stack else None

        return dict(await until(look))

    async def file(self, file_id: str) -> tuple[Json, bytes]:
        """What files.info tells of a file, and its bytes."""
        assert self._session
        told: Json = (await self._post("/api/files.info", file=file_id))["file"]
        async with self._session.get(told["url_private"]) as answer:
            assert answer.status == 200
            return told, await answer.read()

    async def log(self) -> list[Json]:
        """What went between local-slack and the bot: ``direction``, ``kind``, ``summary``, ``detail``."""
        found: list[Json] = (await self._get("/_control/log"))["log"]
        return found

    async def troubles(self) -> list[str]:
        """What local-slack refused or could not do, and what the bot refused to take."""
        bad = [each for each in await self.log() if each["direction"] == "internal" or "HTTP " in each["summary"]]
        return [each["summary"] for each in bad if each["summary"] != "HTTP 200"]

    async def _get(self, path: str) -> Json:
        assert self._session
        async with self._session.get(path) as answer:
            return dict(await answer.json())

    async def _post(self, path: str, **body: Any) -> Json:
        assert self._session
        async with self._session.post(path, json=body) as answer:
            told: Json = await answer.json()
        assert told["ok"], told
        return told


def everything(message: Json) -> str:
    """All that a message shows, as one text."""
    return json.dumps([message.get("text"), message.get("blocks")], ensure_ascii=False)


def elements(message: Json) -> list[Json]:
    """Buttons and menus of a message."""
    return [each for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]]


def _filled(element: Json, wish: str | None) -> Json:
    """The state of one input: the option labelled ``wish``, or what it was opened with."""
    kind = element["type"]
    if kind == "external_select":  # this Slack asks for no options; the form's own choice stands
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind == "static_select":
        options = [each for each in element["options"] if each["text"]["text"] == wish]
        return {"type": kind, "selected_option": options[0] if wish else element.get("initial_option")}
    if kind == "checkboxes":
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    return {"type": kind, "value": element.get("initial_value")}


def _found(message: Json, true: Callable[[Json], bool], what: str) -> Json:
    for each in elements(message):
        if true(each):
            return each
    raise AssertionError(f"no {what!r} among {elements(message)}")
