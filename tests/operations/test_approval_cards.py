"""The cards of guarded changes, as people see them on each platform."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bot.chat.request import Conversation
from bot.operations import approval_cards
from bot.operations.approval_cards import Decision
from bot.operations.audit_posts import posted_card
from bot.policy.approvals import ApprovalNeed
from bot.policy.settings import ApprovalSettings, BreakGlassSettings
from cards.build import stamped, text
from cards.card import Card, Mention, Words
from storage.port.approvals import Approval, Vote
from storage.port.audit import AuditEntry, AuditRow
from tests.golden import check
from tests.operations.guarded import ALONE, buttons, guarded, offering

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEED = ApprovalNeed("approvals.many", 2, (), False, True, "There would be 64 nodes, which is more than 10.", 240, "")
WAITING = Approval(
    "1a2b3c4d5e6f", "pending", "slack:U012OLGA", "Olga", b"", "pool resize gpu-a 64", "sim", "pool gpu-a", "", b"",
    msgspec.json.encode([NEED]),
    approval_cards.encoded(
        Decision(
            (Words(text("18 running tasks go back into the queue.")),),
            {NEED.rule: [Mention("slack:U012OTTO", "Otto"), Mention("teams:mia", "Mia")]},
        )
    ),
    b"", "the release is late", "c0ffee00", AT, AT + timedelta(hours=4),
)  # fmt: skip
OTTO = Vote("slack:U012OTTO", "Otto", True, AT + timedelta(minutes=5), rules=(NEED.rule,))
NO = Vote("teams:mia", "Mia", False, AT + timedelta(minutes=6), "too dear")

CARDS = {
    "approval-pending": approval_cards.shown(WAITING, [(NEED, 2)]),
    "approval-one-agreed": approval_cards.shown(replace(WAITING, votes=(OTTO,)), [(NEED, 1)]),
    "approval-denied": approval_cards.shown(replace(WAITING, state="denied", votes=(OTTO, NO)), []),
    "approval-run": approval_cards.shown(replace(WAITING, state="run", votes=(OTTO,)), []),
    "approval-expired": approval_cards.shown(replace(WAITING, state="expired"), []),
    "approval-notice": approval_cards.notice(replace(WAITING, state="denied", votes=(NO,))),
    "approval-void": approval_cards.void_card(WAITING, [text("Dedicated nodes: 4 → 8")]),
    "approval-asked-alone": approval_cards.asked_card(WAITING, elsewhere=False),
    "emergency": approval_cards.shown(replace(WAITING, state="emergency"), []),
    "emergency-reminder": approval_cards.reminder(replace(WAITING, state="emergency")),
    "audit-posted": posted_card(
        [
            AuditRow(
                7,
                AuditEntry(
                    AT, "c", "k", "slack:U012OLGA", "T0", "slack:C0OPS", "sim", "pool resize nodes:64 pool:gpu-a",
                    "pool gpu-a", "change", "grants.1", "done", reason="the release is late",
                ),
                "5f" * 32,
            )
        ]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CARDS)
def test_each_card_on_each_platform(name: str) -> None:
    check(f"guard-{name}", still(CARDS[name]))


TYPED = {
    "whoami": "whoami",
    "can-i-yes": "can-i pool resize gpu-a 8",
    "can-i-no": "can-i pool show gpu-a",
    "approvals-none": "approvals",
    "audit-none": "audit",
    "audit-verify": "audit verify",
}


@pytest.mark.parametrize("name", TYPED)
async def test_each_answer_on_each_platform(name: str, tmp_path: Path) -> None:
    glass = BreakGlassSettings(people=["slack:U0OLGA"], conversation="slack:C0AUDIT")
    async with guarded(tmp_path, approvals=[ApprovalSettings(nodes=10)], break_glass=glass) as bot:
        card = await bot.ask(TYPED[name])
    check(f"guard-{name}", still(card))


async def test_can_i_says_who_can(tmp_path: Path) -> None:
    async with guarded(tmp_path) as bot:
        refused = await bot.ask("can-i pool delete gpu-a", "slack:U0EVE")
        assert "grants.none" in str(refused.blocks)
        assert "Those who can: Olga, Otto." in str(refused.blocks)
        assert "Mention" not in str(refused.blocks), "which would notify them"
        assert (await bot.ask("can-i")).refused
        assert (await bot.ask("can-i dance")).refused


async def test_what_would_be_refused_is_not_offered(tmp_path: Path) -> None:
    async with guarded(tmp_path) as bot:
        offering(bot.registry)
        eve_alone = Conversation("slack", "D0EVE", kind="personal")
        assert set(buttons(await bot.ask("offer", where=ALONE))) == {"Resize", "Delete", "Show"}
        assert set(buttons(await bot.ask("offer", "slack:U0EVE", eve_alone))) == {"Show"}
        assert set(buttons(await bot.ask("offer", "slack:U0EVE"))) == {"Resize", "Delete", "Show"}, "others press too"


def still(card: Card) -> Card:
    return stamped(replace(card, as_of=AT), zone="America/Chicago", as_of=AT)
