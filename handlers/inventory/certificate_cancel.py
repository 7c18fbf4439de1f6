"""Keep a certificate whose deletion failed, most often because pools still use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from msgspec import Struct

from bot.azure.errors import AzureError
from bot.azure.plane import Written
from bot.azure.writes import certificates
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Button, Card
from handlers.shared.common import line
from handlers.shared.preflight import blocked


class Kept(Struct, frozen=True):
    """Which certificate; ``show`` is the command that shows it."""

    thumbprint: str
    algorithm: str
    show: str


async def preflight(ctx: Context, thumbprint: str, *, algorithm: str = "sha1", account: str | None = None) -> Preflight:
    """Refuses what Azure would: only a deletion that failed can be called off."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    everything = Fix("All certificates", line(ctx, source, "certificate list"))
    try:
        found = (await source.certificate(algorithm, thumbprint)).value
    except AzureError as error:
        if not error.not_found:
            raise
        return Preflight(f"There is no certificate “{thumbprint}” in {source.name}.", fixes=(everything,))
    state = found.state.lower()
    if state == "active":
        return Preflight("The certificate is active: there is no deletion to call off.", fixes=(everything,))
    if state == "deleting":
        return Preflight(
            "The certificate is being deleted: that can be called off only once it has failed, as it does where pools "
            "use the certificate.",
            fixes=(everything,),
        )
    return Preflight(
        effects=("Pools that use the certificate keep it.",),
        differences=(Difference("State", "delete failed", "active"),),
        state=f"{found.state} {found.state_transition_time}",
    )


@command(
    "certificate cancel-deletion",
    effect="change",
    azure=True,
    check="certificate show {thumbprint}",
    preflight=preflight,
    names={"thumbprint": "certificate"},
    examples=["certificate cancel-deletion cff2ab63c8c955aaf71989efa641b906558d9fb7"],
)
async def cancel_deletion(
    ctx: Context, thumbprint: str, *, algorithm: str = "sha1", account: str | None = None
) -> AsyncIterator[Card]:
    """Call off the deletion of a certificate that could not be deleted: it becomes active again.

    :param thumbprint: the certificate's thumbprint
    :param algorithm: how the thumbprint was made
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    show = line(
        ctx, source, "certificate show", thumbprint, algorithm=algorithm if algorithm.lower() != "sha1" else None
    )
    async for card in ctx.operate("certificate cancel-deletion", source, thumbprint, Kept(thumbprint, algorithm, show)):
        yield card


@workflow("certificate cancel-deletion", Kept, "Keeping certificate {}")
async def keeping(run: Run, asked: Kept) -> Outcome:
    """Ask for it. That it is active already is as wanted."""

    def send() -> Awaitable[Written]:
        return certificates.cancel_deletion(run.writer, asked.algorithm, asked.thumbprint)

    async def landed() -> bool:
        return (await run.account.certificate(asked.algorithm, asked.thumbprint)).value.state.lower() == "active"

    await run.write("cancel", "Ask Azure to keep it", send, landed=landed, done_if=["CertificateStateActive"])
    return Outcome(
        "The certificate is active again",
        (),
        (Button("Open certificate", asked.show, style="primary"),),
        before="delete failed",
        after="active",
    )
