"""Every number: what is taken at the limit, and refused one above it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from bot.sandbox.teams import StandInError
from bot.sandbox.teams.errors import RefusedError
from bot.sandbox.teams.rules import size
from bot.sandbox.teams.throttle import Throttle
from tests.sandbox.teams.scene import CARD, Clock, Scene, card, text

LIMIT = 100 * 1024


def _message(words: str) -> dict[str, Any]:
    return {"type": "message", "text": words}


def _filled(char: str) -> dict[str, Any]:
    """A message of exactly the size limit, filled with a character."""
    units = len(char.encode("utf-16-le"))
    chat = LIMIT - size(_message(""))
    return _message(char * (chat // units) + "x" * (chat % units // 2))


@pytest.mark.parametrize("char", ["x", "é", "●", "😀", '"'])
async def test_size_is_counted_as_utf16(stage: Scene, char: str) -> None:
    full = _filled(char) if char != '"' else _message('"' * ((LIMIT - size(_message(""))) // 4))
    assert size(full) == LIMIT or char == '"'
    path = f"/{stage.chat('viewer')}/activities"
    assert (await stage.call("POST", path, full))[0] == 201
    more = _message(full["text"] + char)
    status, body, _ = await stage.call("POST", path, more)
    assert (status, body["error"]["code"]) == (413, "MessageSizeTooBig")
    [posted] = stage.teams.messages("viewer")
    status, body, _ = await stage.call("PUT", f"{path}/{posted['id']}", more)
    assert (status, body["error"]["code"]) == (413, "MessageSizeTooBig")


def test_base64_images_do_not_count() -> None:
    url = "data:image/png;base64," + "A" * 200_000
    assert size({"url": url}) == size({"url": ""})
    assert size({"url": "data:text/plain;base64," + "A" * 1000}) > 2000


async def test_attachments(stage: Scene) -> None:
    one = {"contentType": CARD, "content": card()}
    path = f"/{stage.chat('viewer')}/activities"
    assert (await stage.call("POST", path, {"type": "message", "attachments": [one] * 10}))[0] == 201
    status, body, _ = await stage.call("POST", path, {"type": "message", "attachments": [one] * 11})
    assert (status, body["error"]["code"]) == (400, "BadArgument")


async def _burst(stage: Scene, count: int, name: str = "viewer") -> list[int]:
    path = f"/{stage.chat(name)}/activities"
    return [(await stage.call("POST", path, _message("x")))[0] for _ in range(count)]


async def test_seven_in_a_second(stage: Scene) -> None:
    assert await _burst(stage, 8) == [201] * 7 + [429]
    status, body, headers = await stage.call("POST", f"/{stage.chat('viewer')}/activities", _message("x"))
    assert (status, body["error"]["code"], headers["Retry-After"]) == (429, "Throttled", "1")
    # Another conversation has its own windows; reading has wider ones.
    assert await _burst(stage, 1, "group") == [201]
    assert (await stage.call("GET", f"/{stage.chat('viewer')}/members"))[0] == 200


async def test_eight_in_two_seconds(stage: Scene) -> None:
    assert await _burst(stage, 7) == [201] * 7
    stage.clock.now += 1
    assert await _burst(stage, 2) == [201, 429]
    stage.clock.now += 1
    assert await _burst(stage, 1) == [201]


async def _steadily(stage: Scene, clock: Clock, count: int, pause: float) -> None:
    for _ in range(count):
        assert await _burst(stage, 1) == [201]
        clock.now += pause


async def test_sixty_in_thirty_seconds(stage: Scene) -> None:
    await _steadily(stage, stage.clock, 60, 0.25)
    status, _, headers = await stage.call("POST", f"/{stage.chat('viewer')}/activities", _message("x"))
    assert (status, headers["Retry-After"]) == (429, "15")
    stage.clock.now += 15
    assert await _burst(stage, 1) == [201]


async def test_an_hour_has_1800() -> None:

    clock = Clock()
    throttle = Throttle(clock)
    start = clock.now
    for index in range(1800):
        clock.now = start + index * 1.5
        throttle.admit("chat", write=True)
    clock.now = start + 1800 * 1.5
    with pytest.raises(RefusedError) as refused:
        throttle.admit("chat", write=True)
    assert (refused.value.status, refused.value.retry_after) == (429, 900)
    clock.now = start + 3600
    throttle.admit("chat", write=True)


async def test_an_app_has_fifty_a_second(stage: Scene) -> None:
    path = f"/{stage.chat('viewer')}/members"
    for name in ("operator", "admin", "second admin"):
        await stage.teams.install(name)
    chats = [stage.chat(name) for name in stage.teams.conversations]
    got = [(await stage.call("GET", f"/{chat}/members"))[0] for chat in chats for _ in range(9)]
    assert got == [200] * 50 + [429] * 4
    stage.clock.now += 1
    assert (await stage.call("GET", path))[0] == 200


async def test_card_version(stage: Scene) -> None:
    await stage.show(card(version="1.5"))
    assert stage.teams.refused == []
    await stage.show(card(version="1.6", fallbackText="too new"))
    message = stage.teams.messages("viewer")[-1]
    assert message["attachments"][0]["instead"] == "too new"
    assert stage.teams.refused[-1]["code"] == "UnsupportedVersion"


async def test_primary_actions(stage: Scene) -> None:
    actions = [{"type": "Action.Submit", "title": str(number)} for number in range(7)]
    shown = await stage.show(card(actions=actions[:6]))
    assert stage.teams.messages("viewer")[-1]["problems"] == []
    await stage.teams.submit("viewer", "viewer", shown, "5")
    shown = await stage.show(card(actions=actions))
    assert stage.teams.refused[-1]["code"] == "TooManyActions"
    with pytest.raises(StandInError, match="NoSuchAction"):
        await stage.teams.submit("viewer", "viewer", shown, "6")
    await stage.show(card(actions=[*actions[:6], {**actions[6], "mode": "secondary"}]))
    assert stage.teams.messages("viewer")[-1]["problems"] == []


@pytest.mark.parametrize(("users", "problems"), [(60, 0), (61, 1)])
async def test_refresh_users(stage: Scene, users: int, problems: int) -> None:
    refresh = {"action": {"type": "Action.Execute", "verb": "refresh"}, "userIds": ["29:x"] * users}
    await stage.show(card(refresh=refresh))
    assert len(stage.teams.messages("viewer")[-1]["problems"]) == problems


def _png(width: int, height: int, extra: int = 0, kind: str = "PNG", frames: int = 1) -> bytes:
    out = io.BytesIO()
    images = [Image.new("L", (width, height), color=shade * 60) for shade in range(frames)]
    images[0].save(out, kind, **({"save_all": True, "append_images": images[1:]} if frames > 1 else {}))
    return out.getvalue() + b"\0" * extra


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (_png(1024, 1024), "image/png", 200, ""),
        (_png(1025, 10), "image/png", 200, "larger"),
        (_png(10, 1025), "image/png", 200, "larger"),
        (_png(10, 10, 1024 * 1024 - len(_png(10, 10))), "image/png", 200, ""),
        (_png(10, 10, 1024 * 1024 - len(_png(10, 10)) + 1), "image/png", 200, "bytes"),
        (_png(10, 10, kind="JPEG"), "image/jpeg", 200, ""),
        (_png(10, 10, kind="GIF"), "image/gif", 200, ""),
        (_png(10, 10, kind="GIF", frames=2), "image/gif", 200, "animated"),
        (_png(10, 10, kind="BMP"), "image/bmp", 200, "no PNG"),
        (_png(10, 10), "image/jpeg", 200, "served as"),
        (b"<html>", "text/html", 200, "no PNG"),
        (_png(10, 10), "image/png", 302, "HTTP 302"),
        (_png(10, 10), "image/png", 404, "HTTP 404"),
    ],
)
async def test_pictures(stage: Scene, body: bytes, kind: str, status: int, reason: str) -> None:
    stage.bot.picture = (body, kind, status)
    url = str(stage.bot.server.make_url("/picture"))
    if not reason:
        assert (await stage.teams.picture(url))["content"] == body
        return
    with pytest.raises(StandInError, match=reason) as refused:
        await stage.teams.picture(url)
    assert refused.value.code == stage.teams.refused[-1]["code"] == "PictureRefused"


async def test_a_picture_comes_over_https(stage: Scene) -> None:
    for url in ("http://example.org/a.png", "ftp://127.0.0.1/a.png", "http://127.0.0.1.example.org/a.png"):
        with pytest.raises(StandInError, match="not https"):
            await stage.teams.picture(url)


async def test_text_is_not_a_card_problem(stage: Scene) -> None:
    await stage.show(card(text("# 5 nodes")))
    assert "shown as typed" in stage.teams.messages("viewer")[-1]["problems"][0]
    assert stage.teams.refused == []
