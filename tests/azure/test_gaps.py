"""What is not known is noted where it is listened to, by whoever listens innermost."""

from __future__ import annotations

import asyncio

from bot.azure import gaps
from bot.azure.errors import AzureError


def test_an_answer_inside_another_leaves_it_listening() -> None:
    with gaps.listening() as outer:
        gaps.note("before")
        with gaps.listening() as inner:
            gaps.note("inside", "503, Azure is busy")
        gaps.note("after")
    gaps.note("to nobody")
    assert (outer.lines, inner.lines) == (["before", "after"], ["inside (503, Azure is busy)"])


async def test_what_reads_in_the_background_is_heard_by_whoever_began_it() -> None:
    """Also once its step is over: an answer that goes on says it in a later one."""

    async def read() -> None:
        raise AzureError("ServerBusy", "503", status=503)

    found = gaps.Gaps()
    with gaps.listening(found):
        reading = asyncio.create_task(gaps.maybe("pool p", read()))
    await reading
    assert found.lines == ["pool p (503, Azure is busy)"]


def test_what_is_read_anew_is_forgotten() -> None:
    gaps.forget()
    with gaps.listening() as found:
        gaps.note("pool p", "503")
        gaps.forget()
        gaps.note("job j")
    assert found.lines == ["job j"]
