"""Whether each webhook takes events: one that tells nothing is sent to it, signed as all others."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.doctor.finding import Finding, Look, broken, fine, look
from bot.settings import SettingsError
from bot.webhooks.calls import Answer, Receiver
from bot.webhooks.events import PROBE, probe
from bot.webhooks.settings import WebhookSettings

_TODO = {
    "refused": f"let it answer 2xx to types that it does not know, such as {PROBE}, or its events are given up",
    "barred": "check its address in the settings, and the key that it verifies signatures by",
    "gone": "take it out of the settings, or give it another address: this one wants no events any more (410)",
    "later": "look whether it runs; its events wait meanwhile",
}


def webhook_look(settings: WebhookSettings, environment: Mapping[str, str], *, probe: bool) -> Look:
    """What is looked at; without ``probe`` only its settings: nobody can be asked without being sent something."""
    what = f"webhook {settings.name}"

    async def work() -> list[Finding]:
        try:
            receiver = Receiver(settings, environment)
        except SettingsError as error:
            return [broken(what, "; ".join(error.lines))]
        if not probe:
            return [fine(what, "it has a key and an address; it was not called")]
        try:
            return [_finding(what, await _sent(receiver))]
        finally:
            await receiver.close()

    return Look(what, work, settings.timeout_seconds + 15)


async def _sent(receiver: Receiver) -> Answer:
    id_ = f"probe-{secrets.token_hex(8)}"
    return await receiver.call(id_, probe(receiver.settings.name, id_, datetime.now(UTC)))


def _finding(what: str, answer: Answer) -> Finding:
    if answer.meaning == "taken":
        return fine(what, f"it took an event of the type {PROBE}: {answer.code}")
    if answer.meaning == "later":
        return look(what, f"it {answer.code}", _TODO["later"])
    return broken(what, f"it {answer.code}", _TODO[answer.meaning])
