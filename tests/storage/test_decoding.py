"""What another version wrote, or a damaged file holds, is left out and told by the log."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.alerting.model import Mute
from storage.port.decoding import decoded


def test_a_value_is_decoded() -> None:
    assert decoded(b'{"id":"m","entity":"job:*","later":1}', Mute) == Mute(id="m", entity="job:*")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"accounts":"*"}', b'{"id":1}', b'{"id":"\xff"}'])
def test_what_is_none_of_the_kind_is_left_out(body: bytes) -> None:
    with capture_logs() as logs:
        assert decoded(body, Mute) is None
    assert [(each["event"], each["kind"], each["log_level"]) for each in logs] == [
        ("storage.unreadable", "Mute", "warning")
    ]
