"""Files that people attach in a personal chat of Teams: fetched from SharePoint alone, by an address kept in memory."""

from __future__ import annotations

import msgspec
import pytest

from bot.chat.hosts import may_call
from bot.chat.port import FetchError
from tests.chat.fakes import asked
from tests.chat.test_teams_stand_in import Meeting, meeting

__all__ = ["meeting"]

CONTENT = "frame\n1\nä\n".encode()
PUBLIC = ["sharepoint.com"]


async def test_an_attached_file_is_fetched_by_its_reference(meeting: Meeting) -> None:
    await meeting.outside.install("viewer")
    await meeting.outside.say("viewer", "viewer", "task add nightly", files=[("frames.csv", CONTENT)])
    await meeting.last("viewer")
    request = meeting.intake.asked[-1]
    assert request.text == "task add nightly"
    (reference,) = request.files
    assert "tempauth" not in msgspec.json.encode(request).decode(), "the address is a secret, and is not journalled"
    assert await meeting.teams.fetch(request, reference, 1000) == ("frames.csv", CONTENT)
    with pytest.raises(FetchError, match="larger than 10 bytes"):
        await meeting.teams.fetch(request, reference, 10)
    with pytest.raises(FetchError, match="attach it again"):
        await meeting.teams.fetch(request, f"{reference}1", 1000)


async def test_an_address_that_is_too_old(meeting: Meeting) -> None:
    await meeting.outside.install("viewer")
    await meeting.outside.say("viewer", "viewer", "task add nightly", files=[("frames.csv", CONTENT)])
    await meeting.last("viewer")
    request = meeting.intake.asked[-1]
    for key, (name, content, _) in list(meeting.outside._shared._kept.items()):
        meeting.outside._shared._kept[key] = (name, content, 0.0)
    with pytest.raises(FetchError, match="attach it again"):
        await meeting.teams.fetch(request, request.files[0], 1000)


async def test_a_file_from_elsewhere_is_not_fetched(meeting: Meeting) -> None:
    meeting.teams._files._hosts = ("sharepoint.com",)
    await meeting.outside.install("viewer")
    await meeting.outside.say("viewer", "viewer", "task add nightly", files=[("frames.csv", CONTENT)])
    await meeting.last("viewer")
    with pytest.raises(FetchError, match="not kept in SharePoint"):
        await meeting.teams.fetch(asked(meeting.intake.asked[-1].conversation), meeting.intake.asked[-1].files[0], 1000)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://contoso-my.sharepoint.com/personal/x/_layouts/15/download.aspx?UniqueId=1&tempauth=2", True),
        ("https://SHAREPOINT.com/x", True),
        ("http://contoso.sharepoint.com/x", False),
        ("https://contososharepoint.com/x", False),
        ("https://contoso.sharepoint.com.evil.example/x", False),
        ("https://contoso.sharepoint.com@evil.example/x", False),
        ("https://evil@contoso.sharepoint.com/x", False),
        ("https://127.0.0.1/x", False),
        ("http://127.0.0.1/x", False),
        ("http://169.254.169.254/metadata", False),
        ("file:///etc/passwd", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_hosts(url: str, fine: bool) -> None:
    assert may_call(url, PUBLIC, below=True) is fine


def test_a_stand_in_on_this_machine_has_to_be_named() -> None:
    assert may_call("http://127.0.0.1:8080/x", [*PUBLIC, "127.0.0.1"], below=True)
    assert not may_call("http://10.0.0.1/x", [*PUBLIC, "10.0.0.1"], below=True)
