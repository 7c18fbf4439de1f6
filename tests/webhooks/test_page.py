"""What docs/webhooks.md shows is so: its example of an event, its receiver, and what it makes for PagerDuty."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
import pytest
from aiohttp import ClientSession, web

from bot.settings_file import check
from bot.webhooks.calls import Receiver
from bot.webhooks.events import CloudEvent, IncidentData, entry_of
from bot.webhooks.settings import WebhookSettings
from tests.webhooks.receivers import ENVIRONMENT, KEY
from tests.webhooks.test_settings import BASE

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BLOCKS = {kind: re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("toml", "http", "python")}


def _example() -> CloudEvent[IncidentData]:
    [shown] = BLOCKS["http"]
    return msgspec.json.decode(shown.partition("\n\n")[2], type=CloudEvent[IncidentData], strict=True)


def test_the_event_that_is_shown_has_every_field_of_one() -> None:
    [shown] = BLOCKS["http"]
    body = json.loads(shown.partition("\n\n")[2])
    assert list(body) == list(CloudEvent.__struct_fields__)
    assert list(body["data"]) == list(IncidentData.__struct_fields__)
    entry = entry_of(_example(), "pager", _example().time)
    assert json.loads(entry.card) == body
    assert f"webhook-id: {body['id']}\n" in shown


def test_the_settings_that_are_shown_are_taken() -> None:
    import tomllib  # noqa: PLC0415

    [shown] = BLOCKS["toml"]
    check({**BASE, **tomllib.loads(shown)}, {"BATCHBOT_WEBHOOK_PAGER": KEY})


async def test_the_receiver_that_is_shown_takes_what_is_signed_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATCHBOT_WEBHOOK_PAGER", KEY)
    space: dict[str, Any] = {}
    began = mock.Mock()
    monkeypatch.setattr(web, "run_app", began)  # its last line, which does not return
    exec(BLOCKS["python"][0], space)
    began.assert_called_once_with(space["app"], port=8081)
    runner = web.AppRunner(space["app"])
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/batchbot"
    entry = entry_of(_example(), "pager", _example().time)
    ours = Receiver(WebhookSettings(name="pager", url=url, secret_env="PAGER_KEY"), ENVIRONMENT)
    theirs = Receiver(WebhookSettings(name="pager", url=url, secret_env="PAGER_OLD_KEY"), ENVIRONMENT)
    try:
        answers = [await ours.call(_example().id, entry.card) for _ in range(2)]
        assert [each.meaning for each in answers] == ["taken", "taken"]
        assert capsys.readouterr().out == f"batchbot.incident.opened pool/gpu-a {_example().data.headline}\n"
        assert (await theirs.call(_example().id, entry.card)).code == "answers 401"
        async with ClientSession() as session, session.post(url, data=entry.card) as answer:
            assert answer.status == 401
    finally:
        await ours.close()
        await theirs.close()
        await runner.cleanup()


def test_what_is_shown_for_pagerduty_has_what_its_api_wants() -> None:
    space = SimpleNamespace()
    exec(BLOCKS["python"][1], space.__dict__)
    event = msgspec.to_builtins(_example())
    made = space.pagerduty(event, "R0")
    assert (made["event_action"], made["dedup_key"]) == ("trigger", "3fa1c2d4")
    assert made["payload"]["severity"] in ("critical", "error", "warning", "info")
    assert {"summary", "source", "severity"} <= set(made["payload"])
    event["data"]["event"] = "resolved"
    assert space.pagerduty(event, "R0") == {"routing_key": "R0", "event_action": "resolve", "dedup_key": "3fa1c2d4"}
