"""Until when a signed address may be used, and whether it is over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.signature import is_over, valid_until

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
EARLY = "https://a.blob.core.windows.net/in/x?sv=2022-11-02&se=2026-11-01T06%3A00%3A00Z&sp=r&sig=…"
LATE = "https://a.blob.core.windows.net/in/y?sv=2022-11-02&se=2026-12-01&sp=r&sig=…"


@pytest.mark.parametrize(
    ("texts", "over"),
    [
        ((EARLY,), True),
        ((LATE,), False),
        ((LATE, EARLY), True),
        (("Server failed to authenticate the request. Signature not valid in the specified time frame.",), True),
        (("The specified blob does not exist.",), False),
        ((), False),
    ],
)
def test_whether_a_signature_is_over(texts: tuple[str, ...], over: bool) -> None:
    assert is_over(AT, *texts) is over


def test_it_ends_at_the_second_it_says() -> None:
    until = valid_until(LATE)
    assert until == datetime(2026, 12, 1, tzinfo=UTC)
    assert is_over(until, LATE)
