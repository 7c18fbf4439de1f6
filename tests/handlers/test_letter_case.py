"""Ids are compared as the service compares them: references in another case give the same cards."""

from __future__ import annotations

import re

import msgspec
import pytest
from aiohttp import web

from bot.sandbox.wire.listener import Listener
from cards.text import render
from tests.commands import every_command
from tests.handlers.conftest import Scene
from tests.handlers.reads import ACCOUNT, NOT_OF_AZURE, typed

SHOWN = sorted(
    path
    for path, known in every_command().commands.items()
    if known.mark.effect == "read"
    and path not in NOT_OF_AZURE
    and not path.startswith(("raw", "show-as", "csv", "file", "nodefile", "log", "nodelog", "cost", "trend"))
)
REFERENCES = re.compile(
    rb'"(poolId|jobId|taskId|nodeId|applicationId|thumbprint)":"([^"]*)"|"recentJob":\{"id":"([^"]*)"|"taskIds":\[[^\]]*\]'
)
"""Where one thing names another one."""


def _swap(found: re.Match[bytes]) -> bytes:
    name, _, rest = found[0].partition(b":")
    if name == b'"recentJob"':
        return name + b":" + re.sub(rb'("id":")([^"]*)', lambda each: each[1] + each[2].swapcase(), rest)
    return name + b":" + rest.swapcase()


@pytest.mark.parametrize("path", SHOWN)
async def test_references_in_another_case_give_the_same_card(scene: Scene, path: str) -> None:
    text, _ = typed(path, scene.world.accounts[ACCOUNT])
    plain = str(render(await scene.ask(text), width=300).payload["text"])
    listener: Listener = scene.sandbox.accounts[ACCOUNT]

    swaps: list[int] = []

    def other_case(request: web.Request, response: web.StreamResponse) -> None:
        if not isinstance(response, web.Response) or response.content_type != "application/json":
            return  # the contents of a file
        if isinstance(response.body, bytes) and response.status == 200:
            whole = msgspec.json.encode(msgspec.json.decode(response.body))
            response.body, count = REFERENCES.subn(_swap, whole)
            swaps.append(count)

    listener.observers.append(other_case)
    swapped = str(render(await scene.ask(text), width=300).payload["text"])
    assert swapped.casefold() == plain.casefold()
    if path in ("topology", "job list", "pool list", "home", "account list"):
        assert sum(swaps) > 0
