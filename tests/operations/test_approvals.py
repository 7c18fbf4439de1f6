"""What others must agree to: who may, once, in time, for the change as it was shown; and emergencies."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.policy.settings import ApprovalSettings, BreakGlassSettings
from cards.card import Attachment, Bullets, Mention, Table, plain
from storage.port.errors import StoreError
from tests.operations.guarded import ALONE, SLACK, TEAMS, Bot, buttons, guarded, policy_of, said

HOUR = timedelta(hours=1)
OVER_10 = ApprovalSettings(nodes=10, approvers=["slack:U0OTTO", "slack:U0MIA", "slack:U0OLGA"], name="many")
TWO = ApprovalSettings(nodes=10, approvers=["slack:U0OTTO", "slack:U0MIA"], count=2, name="many")
GLASS = BreakGlassSettings(people=["slack:U0OLGA"], conversation="slack:C0AUDIT")


@pytest.fixture
async def bot(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    settings: dict[str, Any] = {"approvals": [OVER_10], "break_glass": GLASS, **getattr(request, "param", {})}
    async with guarded(tmp_path, **settings) as made:
        yield made


async def test_what_is_small_needs_nobody(bot: Bot) -> None:
    assert said(await bot.ask("pool resize gpu-a 10")) == "gpu-a has 10 nodes"
    (entry,) = await bot.trail()
    assert (entry.result, entry.rule, entry.before, entry.after) == (
        "done", "grants.1", "Dedicated nodes: 4", "Dedicated nodes: 10",
    )  # fmt: skip
    assert (entry.also, entry.how) == ("teams:olga", "typed")


async def test_what_is_large_is_asked_why_and_then_waits(bot: Bot) -> None:
    question = await bot.ask("pool resize gpu-a 64")
    assert said(question) == "Run “pool resize gpu-a 64”? Others must agree to it: why should it be done?"
    assert buttons(question)["Say why…"].how == "form"
    command = buttons(question)["Say why…"].command
    waits = await bot.ask(command, values={"reason": "the release is late"})
    assert said(waits) == "“pool resize gpu-a 64” waits for an approval."
    assert bot.pool.resized == []
    ((message,), rules) = (list((await bot.messages()).values()), await bot.told())
    assert said(message) == "@Olga: “pool resize gpu-a 64” waits for an approval"
    shown = str(message.blocks)
    for told in ("the release is late", "$2.00/h → $32.00/h", "4 → 64", "Otto", "approvals.many", "nothing is done"):
        assert told in shown
    assert "There would be 64 nodes, which is more than 10." in shown
    assert rules == [("confirmation", "confirm.reason"), ("approval", "approvals.many")]


async def test_somebody_agrees_and_it_is_run_as_its_requesters(bot: Bot) -> None:
    id_ = await bot.requested()
    assert said(await bot.ask(f"approve {id_}", "slack:U0OTTO")).startswith("You agreed. It is run now")
    (answer,) = await bot.look()
    assert said(answer) == "gpu-a has 64 nodes"
    assert bot.pool.resized == [64]
    (request,) = bot.ran
    assert (request.person.key, request.conversation, request.how) == ("slack:U0OLGA", SLACK, "post")
    last = (await bot.trail())[-1]
    assert (last.person, last.result, last.approval, last.reason) == (
        "slack:U0OLGA", "done", id_, "the release is late",
    )  # fmt: skip
    messages = await bot.messages()
    assert not buttons(messages[f"approval-{id_}-1"]), "the buttons are gone"
    notices = [said(card) for name, card in messages.items() if name != f"approval-{id_}-1"]
    assert notices == ["@Olga “pool resize gpu-a 64” was approved by @Otto."]


BOTH_SIDES = ApprovalSettings(nodes=10, approvers=["slack:U0OTTO", "teams:otto", "teams:eve"], name="many")


@pytest.mark.parametrize("bot", [{"approvals": [BOTH_SIDES]}], indirect=True)
async def test_who_may_approve_is_named_once_however_many_ids_they_have(bot: Bot) -> None:
    await bot.requested()
    [card] = (await bot.messages()).values()
    mentions = [
        piece
        for block in card.blocks
        if isinstance(block, Bullets)
        for item in block.items
        for piece in item
        if isinstance(piece, Mention)
    ]
    assert [(each.id, each.name) for each in mentions] == [("slack:U0OTTO", "Otto"), ("teams:eve", "eve")]


@pytest.mark.parametrize("bot", [{"approvals": [TWO]}], indirect=True)
async def test_two_must_agree_and_one_says_no(bot: Bot) -> None:
    id_ = await bot.requested()
    assert said(await bot.ask(f"approve {id_}", "slack:U0OTTO")) == "You agreed. It still needs 1 more."
    assert said(await bot.ask(f"approve {id_}", "teams:otto")) == "You have agreed to it already.", "on either side"
    assert await bot.look() == []
    denied = await bot.ask(f"deny {id_}", "slack:U0MIA", values={"reason": "too dear"})
    assert said(denied) == "You denied it: nothing was done."
    assert said(await bot.ask(f"approve {id_}", "slack:U0MIA")) == "Nothing to decide: it was denied."
    assert await bot.look() == []
    assert bot.pool.resized == []
    assert "@Olga “pool resize gpu-a 64” was denied by @Mia: too dear" in map(said, (await bot.messages()).values())


NOBODY_ELSE = {
    "the requester": ("slack:U0OLGA", SLACK, {}, "approval.self"),
    "the requester from the other side": ("teams:olga", TEAMS, {}, "approval.self"),
    "somebody without the role": ("slack:U0EVE", SLACK, {}, "approval.approver"),
    "somebody with the same id elsewhere": ("teams:U0OTTO", TEAMS, {}, "approval.approver"),
    "a guest": ("slack:U0EVE", SLACK, {"kind": "guest"}, "access.outsiders"),
    "a stranger": ("slack:U0EVE", SLACK, {"kind": "foreign"}, "access.outsiders"),
    "a bot": ("slack:U0EVE", SLACK, {"kind": "bot"}, "access.outsiders"),
}


@pytest.mark.parametrize("verb", ["approve", "deny"])
@pytest.mark.parametrize("name", NOBODY_ELSE)
async def test_nobody_else_decides(bot: Bot, name: str, verb: str) -> None:
    who, where, more, rule = NOBODY_ELSE[name]
    id_ = await bot.requested()
    why = {"values": {"reason": "no"}} if verb == "deny" else {}
    answer = await bot.ask(f"{verb} {id_}", who, where, **more, **why)
    assert answer.refused
    last = (await bot.trail())[-1]
    assert (last.person, last.result, last.rule) == (who, "refused", rule)
    assert await bot.look() == []
    found = await bot.store.approval(id_)
    assert found
    assert (found.state, found.votes) == ("pending", ())


async def test_a_click_that_is_refused_leaves_the_message_as_it_is(bot: Bot) -> None:
    id_ = await bot.requested()
    before = (await bot.messages())[f"approval-{id_}-1"]
    assert buttons(before)["Approve"].how == "post", "the answer takes no place of anything"
    await bot.ask(buttons(before)["Approve"].command, "slack:U0EVE", message="17.1")
    assert (await bot.messages())[f"approval-{id_}-1"] == before
    assert (await bot.trail())[-1].how == "click"


@pytest.mark.parametrize(("who", "where"), [("slack:U0OTTO", SLACK), ("teams:otto", TEAMS)])
async def test_it_can_be_approved_from_either_side_and_once(bot: Bot, who: str, where: Any) -> None:
    id_ = await bot.requested()
    assert not (await bot.ask(f"approve {id_}", who, where)).refused
    assert said(await bot.ask(f"approve {id_}", who, where)) == "Nothing to decide: it was approved."
    assert len(await bot.look()) == 1
    assert await bot.look() == []
    for asker in ("slack:U0OLGA", who):
        assert (await bot.ask(f"approval run {id_}", asker)).refused, "and nobody runs it again"
    assert bot.pool.resized == [64]


async def test_only_the_requester_withdraws(bot: Bot) -> None:
    id_ = await bot.requested()
    refused = await bot.ask(f"withdraw {id_}", "slack:U0OTTO")
    assert said(refused) == "Only whoever asked for it can withdraw it: deny it instead."
    assert said(await bot.ask(f"withdraw {id_}", "teams:olga")) == "You withdrew it: nothing was done."
    assert (await bot.ask(f"approve {id_}", "slack:U0OTTO")).refused
    assert await bot.look() == []


async def test_nobody_decides_in_time(bot: Bot) -> None:
    id_ = await bot.requested()
    await bot.look(5 * HOUR)
    found = await bot.store.approval(id_)
    assert found
    assert found.state == "expired"
    messages = await bot.messages()
    assert not buttons(messages[f"approval-{id_}-1"])
    assert "@Olga “pool resize gpu-a 64” expired: nobody decided in time." in map(said, messages.values())
    assert (await bot.told())[-1] == ("expired", "approval.expired")
    assert said(await bot.ask(f"approve {id_}", "slack:U0OTTO")) == (
        "Nothing to decide: it expired: nobody decided in time."
    )


@pytest.mark.parametrize("odd", [b"[1", b"{}", b'{"effect": "no such effect"}'])
async def test_what_is_stored_of_one_and_cannot_be_read_keeps_no_other_waiting(bot: Bot, odd: bytes) -> None:
    broken, sound = await bot.requested(), await bot.requested(65)
    found = await bot.store.approval(broken)
    assert found
    assert await bot.store.change_approval(
        msgspec.structs.replace(found, question=odd, needs=odd, version=found.version + 1), []
    )
    refused = await bot.ask(f"approve {broken}", "slack:U0OTTO")
    assert said(refused) == "What was stored of it cannot be read. Ask for it anew."
    await bot.look(5 * HOUR)
    for id_ in (broken, sound):
        ended = await bot.store.approval(id_)
        assert ended
        assert ended.state == "expired"
    assert [each for each in await bot.told() if each[0] == "expired"] == [("expired", "approval.expired")] * 2


@pytest.mark.parametrize("bot", [{"approvals": [ApprovalSettings(nodes=10, expires_minutes=5)]}], indirect=True)
async def test_it_is_too_late_though_nobody_has_looked(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = await bot.requested()
    late = datetime.now(UTC) + HOUR
    monkeypatch.setattr("bot.requests.context.Context.now", lambda self: late)
    assert said(await bot.ask(f"approve {id_}", "slack:U0OTTO")).startswith("It is too late")
    assert (await bot.told())[-1] == ("refused", "approval.expired")


async def test_what_changed_since_is_void(bot: Bot) -> None:
    id_ = await bot.requested()
    await bot.ask("pool resize gpu-a 8", "slack:U0OTTO")
    await bot.ask(f"approve {id_}", "slack:U0MIA")
    (answer,) = await bot.look()
    assert said(answer) == "It has changed since it was approved: nothing was done."
    assert "Dedicated nodes: 4 → 8" in str(answer.blocks)
    assert "slack:U0OTTO" in str(answer.blocks), "and who changed it"
    assert bot.pool.resized == [8]
    found = await bot.store.approval(id_)
    assert found
    assert found.state == "void"
    assert (await bot.told())[-1] == ("refused", "approval.void")


@pytest.mark.parametrize("what", ["the policy", "the preflight"])
async def test_what_can_no_longer_be_done_is_void(bot: Bot, what: str) -> None:
    id_ = await bot.requested()
    await bot.ask(f"approve {id_}", "slack:U0OTTO")
    if what == "the policy":
        services = bot.dispatcher.services

        bot.dispatcher.services = replace(services, policy=policy_of(grants=[], approvals=[OVER_10]))
    else:
        bot.pool.refused = "gpu-a is being deleted."
    (answer,) = await bot.look()
    assert answer.refused
    assert bot.pool.resized == []
    found = await bot.store.approval(id_)
    assert found
    assert found.state == "void"


async def test_a_crash_before_it_is_run_runs_it_once(bot: Bot) -> None:
    """The program dies once the approval is taken and before anything is noted of the change."""
    id_ = await bot.requested()
    await bot.ask(f"approve {id_}", "slack:U0OTTO")
    await bot.keeper.poll(datetime.now(UTC))
    (request,) = bot.ran
    approvals = bot.dispatcher.operations.approvals
    found = await approvals.find(id_)
    await approvals.begin(id_, found.digest, request, datetime.now(UTC))
    assert said(await bot.dispatcher.card(request)) == "gpu-a has 64 nodes", "the journal hands it out again"
    assert await bot.look() == []


@pytest.mark.parametrize(
    "bot",
    [{"approvals": [ApprovalSettings(nodes=10, self_approval=True, approvers=["slack:U0OLGA"])]}],
    indirect=True,
)
async def test_a_rule_may_let_the_requester_agree(bot: Bot) -> None:
    id_ = await bot.requested()
    assert not (await bot.ask(f"approve {id_}")).refused
    assert len(await bot.look()) == 1


@pytest.mark.parametrize("bot", [{"approvals": [ApprovalSettings(nodes=10)]}], indirect=True)
async def test_without_approvers_whoever_could_run_it_agrees(bot: Bot) -> None:
    id_ = await bot.requested()
    assert (await bot.ask(f"approve {id_}", "slack:U0MIA")).refused
    assert not (await bot.ask(f"approve {id_}", "teams:tim")).refused


ADMINS = ApprovalSettings(effect="destroy", approvers=["admins"], name="destroy", reason=False)


@pytest.mark.parametrize("bot", [{"approvals": [ADMINS], "admins": ["slack:U0ADA"]}], indirect=True)
async def test_what_destroys_is_confirmed_by_name_and_then_approved(bot: Bot) -> None:
    bot.pool.nodes = 40
    question = await bot.ask("pool delete gpu-a")
    assert "Type gpu-a to confirm it. It cannot be undone." in str(question.blocks)
    form = buttons(question)["Type the name…"]
    wrong = await bot.ask(form.command, values={"answer": "gpu-b"})
    assert said(wrong) == "“gpu-b” is not its name: type gpu-a to confirm it."
    assert said(await bot.ask(form.command)) == "“yes” is not its name: type gpu-a to confirm it."
    waits = await bot.ask(form.command, values={"answer": "gpu-a"})
    assert said(waits) == "“pool delete gpu-a” waits for an approval."
    ((found,), _) = await bot.store.approvals(["pending"])
    assert (await bot.ask(f"approve {found.id}", "slack:U0OTTO")).refused
    await bot.ask(f"approve {found.id}", "slack:U0ADA")
    (answer,) = await bot.look()
    assert said(answer) == "gpu-a is gone"
    assert bot.pool.deleted
    assert [rule for _, rule in await bot.told()] == [
        "confirm.asked", "confirm.name", "confirm.name", "approvals.destroy", "approval.approver", "access.admins",
        "grants.1",
    ]  # fmt: skip


PRICE = ApprovalSettings(price_per_hour=20, name="price", reason=False)


@pytest.mark.parametrize("bot", [{"approvals": [PRICE]}], indirect=True)
@pytest.mark.parametrize(("nodes", "waits"), [(40, False), (41, True), (64, True)])
async def test_a_price_over_the_threshold(bot: Bot, nodes: int, waits: bool) -> None:
    answer = await bot.ask(f"pool resize gpu-a {nodes}")
    assert ("waits for an approval" in said(answer)) is waits
    bot.pool.nodes = 100
    assert "has 64 nodes" in said(await bot.ask("pool resize gpu-a 64")), "what gets cheaper needs nobody"


async def test_in_a_personal_chat_nobody_sees_it_and_the_answer_says_so(bot: Bot) -> None:
    answer = await bot.ask("pool resize gpu-a 64 --reason later", where=ALONE)
    ((found,), _) = await bot.store.approvals(["pending"])
    assert f"Nobody else reads this chat: whoever may approve can type approve {found.id}." in str(answer.blocks)
    assert await bot.messages() == {}
    listed = await bot.ask("approvals", "slack:U0OTTO")
    assert found.id in str(listed.blocks)
    assert said(await bot.ask(f"approval show {found.id}", "slack:U0OTTO")).startswith("@Olga")


@pytest.mark.parametrize(
    "bot", [{"approvals": [ApprovalSettings(nodes=10, conversation="slack:C0BOARD", name="many")]}], indirect=True
)
async def test_every_copy_loses_its_buttons(bot: Bot) -> None:
    id_ = await bot.requested()
    assert set(await bot.messages()) == {f"approval-{id_}-1", f"approval-{id_}-2"}
    await bot.ask(f"deny {id_} no", "slack:U0OTTO")
    messages = await bot.messages()
    assert not any(buttons(messages[f"approval-{id_}-{number}"]) for number in (1, 2))


async def test_the_same_request_asks_once(bot: Bot) -> None:
    for _ in range(2):  # a crash before the answer, and the journal hands it out again
        await bot.ask("pool resize gpu-a 64 --reason later", key="same")
    (_, total) = await bot.store.approvals(["pending"])
    assert total == 1


async def test_an_emergency_goes_ahead_and_is_told_and_acknowledged(bot: Bot) -> None:
    answer = await bot.ask('pool resize gpu-a 64 --emergency "the night shift stands still"')
    assert said(answer) == "gpu-a has 64 nodes"
    assert await bot.told() == [("emergency", "break_glass.people"), ("done", "grants.1")]
    ((found,), _) = await bot.store.approvals(["emergency"])
    messages = await bot.messages()
    assert {copy.destination for copy in found.copies} == {"slack:C0OPS", "slack:C0AUDIT"}
    assert all("the night shift stands still" in str(card.blocks) for card in messages.values())
    mine = await bot.ask(f"audit ack {found.id}", "teams:olga")
    assert said(mine) == "Somebody else has to acknowledge it."
    assert len(await bot.messages()) == 2
    await bot.look(25 * HOUR)
    assert any("Nobody has acknowledged this emergency" in said(card) for card in (await bot.messages()).values())
    await bot.look(25 * HOUR)
    assert len(await bot.messages()) == 3, "one reminder a day"
    bystander = await bot.ask(f"audit ack {found.id}", "slack:U0EVE")
    assert said(bystander) == "It is for somebody to acknowledge who may approve such a change, or make it."
    assert said(await bot.ask(f"audit ack {found.id}", "slack:U0MIA")) == "You acknowledged it."
    messages = await bot.messages()
    assert not any(buttons(messages[copy.entry]) for copy in found.copies)
    assert (await bot.ask(f"audit ack {found.id}", "slack:U0MIA")).refused


async def test_an_emergency_is_for_those_who_are_named(bot: Bot) -> None:
    answer = await bot.ask("pool resize gpu-a 64 --emergency now", "slack:U0OTTO")
    assert answer.refused
    assert bot.pool.resized == []
    assert await bot.told() == [("refused", "break_glass.people")]


async def test_an_emergency_is_no_grant(bot: Bot) -> None:
    glass = {"approvals": [OVER_10], "break_glass": GLASS, "grants": []}

    bot.dispatcher.services = replace(bot.dispatcher.services, policy=policy_of(**glass))
    assert (await bot.ask("pool resize gpu-a 64 --emergency now")).refused
    assert await bot.told() == [("refused", "grants.none")]


@pytest.mark.parametrize("typed", ["pool resize gpu-a 64 --reason", "pool resize gpu-a 64 --emergency ''"])
async def test_an_option_without_its_reason(bot: Bot, typed: str) -> None:
    assert "needs a reason behind it" in said(await bot.ask(typed))


async def test_a_confirmation_is_asked_again_with_what_changed_and_by_whom(bot: Bot) -> None:
    bot.pool.nodes = 4
    question = await bot.ask("pool delete gpu-a")
    await bot.ask("pool resize gpu-a 8", "slack:U0OTTO")
    again = await bot.ask(buttons(question)["Yes, do it"].command)
    shown = str(again.blocks)
    assert "It has changed since you looked." in shown
    assert "Nodes: 4 → 8" in shown
    assert "slack:U0OTTO" in shown
    assert not bot.pool.deleted
    assert said(await bot.ask(buttons(again)["Yes, do it"].command)) == "gpu-a is gone"


@pytest.mark.parametrize(
    ("who", "where", "rule"),
    [
        ("slack:U0OTTO", SLACK, "confirm.person"),
        ("teams:olga", TEAMS, "confirm.person"),
        ("slack:U0OLGA", ALONE, "confirm.conversation"),
    ],
)
async def test_a_reason_is_given_by_whoever_was_asked_where_they_were(
    bot: Bot, who: str, where: Any, rule: str
) -> None:
    question = await bot.ask("pool resize gpu-a 64")
    answer = await bot.ask(buttons(question)["Say why…"].command, who, where, values={"reason": "x"})
    assert answer.refused
    assert (await bot.told())[-1] == ("refused", rule)
    assert (await bot.store.approvals(["pending"]))[1] == 0


async def test_what_a_client_alters_on_the_way_changes_nothing(bot: Bot) -> None:
    """Teams sends a button's data back from the client: all of it but the id is the store's."""
    id_ = await bot.requested(12)
    for altered in (f"approve {id_} 64", f"approve {id_[:-1]}x", f"approve {id_} slack:U0OTTO"):
        assert (await bot.ask(altered, "slack:U0OTTO")).refused
    altered_form = {"nodes": "64", "requester": "slack:U0OTTO"}
    assert (await bot.ask(f"approve {id_}", "slack:U0OTTO", values=altered_form)).refused
    assert await bot.look() == []
    await bot.ask(f"approve {id_}", "slack:U0OTTO")
    await bot.look()
    assert bot.pool.resized == [12]


async def test_the_trail_is_a_chain_that_is_checked(bot: Bot) -> None:
    await bot.ask("pool resize gpu-a 8")
    await bot.ask("pool resize gpu-a 9", "slack:U0EVE")
    whole = await bot.ask("audit verify")
    assert said(whole) == "The audit trail is whole · 2 lines"
    (_, head) = await bot.store.audit_head()
    assert not (await bot.ask(f"audit verify {head[:10]}")).refused
    assert (await bot.ask("audit verify 000000")).refused, "a hash that is in no line"
    with pytest.raises(StoreError, match="append-only"):
        await bot.store._run(lambda: bot.store._db.execute("UPDATE audit SET result = 'refused' WHERE seq = 1"))

    def forge() -> None:
        bot.store._db.execute("DROP TRIGGER audit_no_update")
        bot.store._db.execute("UPDATE audit SET result = 'done' WHERE seq = 2")

    await bot.store._run(forge)
    forged = await bot.ask("audit verify")
    assert said(forged) == "Line 2 of the audit trail does not follow from the one before."
    assert forged.refused


LISTED = {
    "audit": ["3", "2", "1"],
    "audit person:me": ["2", "1"],
    "audit person:teams:olga": ["2", "1"],
    "audit person:slack:U0EVE": ["3"],
    "audit result:refused": ["3"],
    "audit entity:gpu-b": ["2"],
    "audit verb:pool": ["3", "2", "1"],
    "audit verb:'pool resize' result:done": ["2", "1"],
    "audit verb:po": [],
    "audit verb:job": [],
    "audit account:sim": ["3", "2", "1"],
    "audit account:other": [],
    "audit since:1h": ["3", "2", "1"],
    "audit below:2": ["1"],
}


async def test_the_trail_is_listed_and_filtered(bot: Bot) -> None:
    await bot.ask("pool resize gpu-a 8")
    await bot.ask("pool resize gpu-b 9", "teams:olga")
    await bot.ask("pool resize gpu-a 9", "slack:U0EVE")
    for typed, lines in LISTED.items():
        tables = [block for block in (await bot.ask(typed)).blocks if isinstance(block, Table)]
        found = [plain(row.cells[-1]) for table in tables for row in table.rows]
        assert found == lines, typed
    assert (await bot.ask("audit since:yesterday")).refused


async def test_the_trail_is_exported_without_secrets(bot: Bot) -> None:
    secret = "AccountKey=aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8="
    await bot.ask("pool resize gpu-a 8")
    await bot.ask(f"pool resize gpu-a 64 --reason '{secret}'")
    for kind in ("csv", "jsonl"):
        (file,) = [each for each in (await bot.ask(f"audit export {kind}")).blocks if isinstance(each, Attachment)]
        content = file.content.decode("utf-8-sig")
        assert "aGVsbG8" not in content
        lines = content.splitlines()
        assert len(lines) == (3 if kind == "csv" else 2)
        if kind == "jsonl":
            rows = [json.loads(line) for line in lines]
            assert [row["line"] for row in rows] == [1, 2]
            assert rows[0]["before"] == "Dedicated nodes: 4"
            assert rows[1]["hash"] == (await bot.store.audit_head())[1]


async def test_a_thousand_approvals_are_listed_in_pages(bot: Bot) -> None:
    id_ = await bot.requested()
    found = await bot.store.approval(id_)
    assert found
    for number in range(999):
        await bot.store.put_approval(msgspec.structs.replace(found, id=f"{number:012d}"), [])
    began = time.perf_counter()
    card = await bot.ask("approvals page:50")
    assert time.perf_counter() - began < 1
    assert "1,000" in said(card)
    assert len(await bot.store.due_approvals(datetime.now(UTC) + timedelta(days=1))) == 100
