"""Guard rails: decisions of the policy a second, and a thousand changes that wait for an approval.

The goals are ours: a decision must not be felt (10,000 a second are 100 µs each), and a page of a thousand pending
approvals, as well as what is to be done about them, takes no longer than a blink.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.chat.request import Conversation, Person
from bot.policy.grants import Grants
from bot.policy.question import Needs, Question, Target
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import GrantSettings
from bot.settings import AccessSettings
from storage.port.approvals import Approval
from storage.sqlite.store import SqliteStore

GRANTS, PENDING, DECISIONS = 500, 1_000, 50_000
PER_SECOND, PAGE_MS = 10_000, 50.0


def decisions() -> float:
    """Decisions a second, with hundreds of grants of which a few name the asker."""
    grants = [
        GrantSettings([f"slack:U{number % 100:04}"], ["pool *"], ["sim-*"], [f"pool:gpu-{number}-*"])
        for number in range(GRANTS)
    ]
    policy = Policy(Access(AccessSettings()), Grants(grants))
    asked = Question(
        Person("slack", "U0007"), Conversation("slack", "C1"), "pool resize", "change", Needs(azure=True), "sim-a",
        Target("pool", "gpu-407-a"),
    )  # fmt: skip
    assert policy.decide(asked).allowed
    began = time.perf_counter()
    for _ in range(DECISIONS):
        policy.decide(asked)
    return DECISIONS / (time.perf_counter() - began)


async def put_pending(store: SqliteStore, now: datetime) -> None:
    """Many changes that wait for others, the last of them until well after ``now``."""
    for number in range(PENDING):
        approval = Approval(
            f"{number:012d}", "pending", "slack:U1", "", b"{}", "pool resize a 64", "sim", "pool a", "d", b"{}", b"[]",
            b"{}", b"{}", "why", "c", now, now + timedelta(hours=4, seconds=number),
        )  # fmt: skip
        await store.put_approval(approval, [])


async def pending(folder: Path) -> tuple[float, float]:
    """Milliseconds for the last page of many pending approvals, and for what is to be done about them."""
    store, now = SqliteStore.open(folder / "bench.db"), datetime.now(UTC)
    await put_pending(store, now)
    began = time.perf_counter()
    found, total = await store.approvals(["pending"], offset=PENDING - 20)
    listed = time.perf_counter() - began
    assert (len(found), total) == (20, PENDING)
    began = time.perf_counter()
    assert await store.due_approvals(now) == []
    due = time.perf_counter() - began
    await store.close()
    return listed * 1000, due * 1000


def main() -> int:
    """Print each figure with its goal; 1 where one is missed."""
    rate = decisions()
    with tempfile.TemporaryDirectory() as folder:
        listed, due = asyncio.run(pending(Path(folder)))
    print(f"policy: {rate:,.0f} decisions/s with {GRANTS} grants (goal {PER_SECOND:,} or more)")
    print(f"approvals: {PENDING:,} pending, the last page in {listed:.1f} ms (goal {PAGE_MS:.0f} ms at most)")
    print(f"approvals: what is to be done about {PENDING:,} pending in {due:.1f} ms (goal {PAGE_MS:.0f} ms at most)")
    return 0 if rate >= PER_SECOND and max(listed, due) <= PAGE_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
