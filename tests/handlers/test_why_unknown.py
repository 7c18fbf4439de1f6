"""Trouble that no row of the table knows: shown as the service says it, said to be unknown, and never dressed up."""

from __future__ import annotations

from pathlib import Path

from bot.domain import knowledge
from bot.sandbox.entities import NodeError
from bot.sandbox.entity_parts import AutoScaleRunError, ResizeError
from cards.card import plain
from cards.text import render
from tests.handlers.why_world import Ground, ground

CODE, WORDS = "QuantumFluxInverted", "the flux of slot seven is inverted"
SITUATIONS = (("unusable",), ("timed out",), ("formula",), ("cannot run",), ("blob",))


def _rename(account: Ground) -> None:
    """Each trouble gets a code and words that nobody has heard of."""
    for node in account.places["unusable",].nodes:
        node.body.errors = [NodeError(code=CODE, message=WORDS)]
    account.places["timed out",].pool.body.resize_errors = [ResizeError(code=CODE, message=WORDS)]
    run = account.places["formula",].pool.body.auto_scale_run
    assert run is not None
    run.error = AutoScaleRunError(code=CODE, message=WORDS)
    scheduling = account.places["cannot run",].job.body.execution_info.scheduling_error
    assert scheduling is not None
    scheduling.code, scheduling.message = CODE, WORDS
    for task in account.places["blob",].job.tasks.values():
        if info := task.execution_info.failure_info:
            info.code, info.message, info.details = CODE, WORDS, None


async def test_it_is_shown_as_the_service_says_it_said_to_be_unknown_and_counted(tmp_path: Path) -> None:
    async with ground(tmp_path, SITUATIONS) as account:
        _rename(account)
        of = account.places
        failed = next(each for each in of["blob",].job.tasks.values() if each.execution_info.failure_info)
        asked = {
            "node": f"why node {of['unusable',].pool.id} {of['unusable',].nodes[0].id}",
            "resize": f"why pool {of['timed out',].pool.id}",
            "autoscale": f"why pool {of['formula',].pool.id}",
            "job": f"why job '{of['cannot run',].job.id}'",
            "task": f"why task '{of['blob',].job.id}' {failed.id}",
        }
        before = knowledge.unknown()
        for where, typed in asked.items():
            card = await account.ask(typed)
            shown = " ".join(str(render(card).payload["text"]).split())
            assert f"{CODE}, which the bot does not know" in plain(card.title), (where, shown)
            assert f"{CODE}: {WORDS}" in shown, (where, shown)
            assert "only a guess" in shown, (where, shown)
            assert knowledge.unknown()[where, CODE.lower()] > before.get((where, CODE.lower()), 0), where
