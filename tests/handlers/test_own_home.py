"""What home says of changes that wait: for somebody to agree, and of theirs for others."""

from __future__ import annotations

from pathlib import Path

from bot.policy.settings import ApprovalSettings
from bot.requests.command import MARK, command
from bot.requests.context import Context
from cards.build import text
from cards.card import Card
from cards.text import render
from handlers.bot.own_home import own_blocks
from tests.operations.guarded import ALONE, SLACK, Bot, buttons, guarded

RULE = ApprovalSettings(nodes=10, approvers=["slack:U0OTTO", "slack:U0OLGA"], name="many")


@command("mine", effect="read")
async def mine(ctx: Context) -> Card:
    """Show what home says of one's own."""
    return Card(title=text("Mine"), blocks=tuple(await own_blocks(ctx)))


async def asked(bot: Bot, who: str) -> tuple[Card, str]:
    """What somebody is shown in their own chat, and its text."""
    card = await bot.ask("mine", who, ALONE)
    return card, str(render(card, width=200).payload["text"])


async def test_home_says_what_waits_for_somebody_and_what_of_theirs_waits_for_others(tmp_path: Path) -> None:
    async with guarded(tmp_path, approvals=[RULE]) as bot:
        bot.registry.add(mine, getattr(mine, MARK))
        first = await bot.requested()
        await bot.requested(65)
        every, _ = await bot.store.approvals(["pending"])
        second = next(each.id for each in every if each.id != first)

        theirs, said = await asked(bot, "slack:U0OTTO")
        assert "Waiting for approval: 2" in said
        assert "asked by @Olga" in said
        for id_ in (first, second):
            assert id_[:6] in said.partition("[1]")[0], "a line says which buttons are its own"
            assert buttons(theirs)[f"Approve {id_[:6]}"].command == f"approve {id_}"
            assert buttons(theirs)[f"Show {id_[:6]}"].command == f"approval show {id_}"
        own, said = await asked(bot, "slack:U0OLGA")
        assert "yours, waits for others" in said
        assert not [each for each in buttons(own) if each.startswith("Approve ")], "nobody agrees with themselves"
        assert not (await bot.ask("mine", "slack:U0MIA", ALONE)).blocks
        assert not (await bot.ask("mine", "slack:U0OTTO", SLACK)).blocks, "others read it there"

        await bot.ask(f"approve {first}", "slack:U0OTTO")
        _, said = await asked(bot, "slack:U0OTTO")
        assert "Waiting for approval: 1" in said
