"""What is reported of an account: that it cannot be read, is throttled, or comes near its quotas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.alerting.rules import rule
from bot.alerting.rules.common import button, elapsed, newest, said
from bot.domain.findings import Entity, Finding, Severity
from bot.domain.quota import Level, level
from bot.monitor.monitor_status import BEHIND, BEHIND_FOR
from bot.monitor.scene import Blindness, Scene
from cards.formatting import number, percent

BLIND_FOR = 120.0
"""Seconds without a successful poll before it is reported: a gateway's restart or a lost connection is over sooner."""
BLIND_POLLS = 3
"""Or so many polls in a row, where polls are further apart."""
THROTTLED_FOR = 300.0
"""Seconds: a single refusal carries its Retry-After and is over; five minutes of them mean that somebody floods it."""
_SEVERITIES: dict[Level, Severity] = {"near": Severity.INFO, "nearer": Severity.WARNING, "full": Severity.WARNING}
_FULL = "all of it is in use, and nothing waits for more; what asks for more gets none"
_FULL_AND_WANTED = "all of it is in use, and something waits for more: pools stop growing, new work is refused"

_THROTTLES = ("toomanyrequests", "serverbusy", "429", "throttl")
"""How the service calls it: 429 of both planes, and 503 ServerBusy of the data plane."""
_CAUSES = {
    "noconnection": "no connection to the service: the network, a proxy or the name's resolution",
    "timeout": "the service does not answer in time: the network, or trouble at Azure",
    "notoken": "no token could be obtained for it: check the bot's identity and Entra ID",
    "authenticationfailed": "the service does not know the bot: its key or identity has changed",
    "authorizationfailure": "the bot's identity may not read the account any more",
    "authorizationfailed": "the bot's identity may not read the account any more",
    "accountnotfound": "the account is gone, or its address is wrong",
    "resourcenotfound": "the account is gone, or its address is wrong",
}


def _throttled(blind: Blindness) -> bool:
    return any(each in blind.code.lower() for each in _THROTTLES)


@rule("account.unreachable", severity=Severity.CRITICAL, reads=(), inhibits=("*",))
def unreachable(scene: Scene) -> Iterator[Finding]:
    """An account cannot be read, so nothing of it is seen.

    After :data:`BLIND_FOR` seconds or :data:`BLIND_POLLS` polls. What was open stays as it is meanwhile.
    """
    blind = scene.blind
    if blind is None or _throttled(blind):
        return
    if elapsed(scene, blind.since) <= BLIND_FOR and blind.times < BLIND_POLLS:
        return
    yield Finding(
        entity=Entity("account", scene.account),
        headline=f"account {scene.account} cannot be read: {blind.code}",
        since=blind.since,
        cause=_CAUSES.get(blind.code.lower(), "the service refuses what the bot asks"),
        evidence=said(blind.code, blind.message),
        actions=(button("Account", "account show"),),
    )


@rule("account.throttled", severity=Severity.WARNING, reads=())
def throttled(scene: Scene) -> Iterator[Finding]:
    """Batch has throttled requests to an account for several minutes.

    The limit is the account's, so other programs' requests count: most often one that lists all tasks in a loop.
    """
    blind = scene.blind
    if blind is None or not _throttled(blind) or elapsed(scene, blind.since) <= THROTTLED_FOR:
        return
    yield Finding(
        entity=Entity("account", scene.account),
        headline=f"account {scene.account} is throttled: what is shown of it is old",
        since=blind.since,
        cause="something asks the account too often, most often a program that lists all its tasks again and again",
        evidence=said(blind.code, blind.message),
        actions=(button("Account", "account show"),),
    )


@rule("account.behind", severity=Severity.WARNING, reads=())
def behind(scene: Scene) -> Iterator[Finding]:
    """More happens in an account than can be read within the requests a minute that the settings allow.

    After :data:`bot.monitor.monitor_status.BEHIND_FOR` seconds. What is late is told all the same.
    """
    late = {words: scene.behind[stream] for stream, words in BEHIND.items() if stream in scene.behind}
    oldest = min(late.values(), default=scene.at)
    if scene.blind is not None or elapsed(scene, oldest) < BEHIND_FOR:
        return
    yield Finding(
        entity=Entity("account", scene.account),
        headline=f"account {scene.account}: {' and '.join(late)} are reported late",
        since=newest(scene, oldest),
        cause="more happens in the account than the bot may read: watch.requests_per_minute in its settings bounds it",
        actions=(button("Status", "status"), button("Account", "account show")),
    )


@rule("account.quota", severity=Severity.WARNING, reads=("quota",))
def quota(scene: Scene) -> Iterator[Finding]:
    """A quota of an account is used to 80, 90 or 100 per cent.

    One for each quota. How full one is: :func:`bot.domain.quota.level`. A full one is critical where somebody wants
    more than there is: a pool that is short of nodes, a schedule that makes no job.
    """
    for what, used, limit in scene.quota.rows:
        how = level(used, limit)
        if not how:
            continue
        missed = how == "full" and what in scene.quota.wanted
        share = f"{percent(used, limit)}, " if limit > 0 else ""
        yield Finding(
            entity=Entity("account", scene.account, what),
            headline=f"{scene.account}: {what} at {share}{number(used)} of {number(limit)}",
            since=_changed(scene, what),
            severity=Severity.CRITICAL if missed else _SEVERITIES[how],
            figures=(("Used", number(used)), ("Quota", number(limit)), ("Left", number(max(0, limit - used)))),
            cause=_FULL_AND_WANTED
            if missed
            else _FULL
            if how == "full"
            else "what goes over it is refused; a higher quota is asked for in the portal and can take days",
            actions=(
                button("Account", "account show"),
                button("Pools", "pool list"),
                *((button("Active jobs", "job list", state="active"),) if "job" in what.lower() else ()),
            ),
            count=used,
        )


def _changed(scene: Scene, what: str) -> datetime:
    """When what counts for a quota changed last: jobs and schedules were made, or pools were resized."""
    if "job" in what.lower():
        return newest(scene, *(each.created for group in (scene.jobs, scene.schedules) for each in group.values()))
    return newest(scene, *(each.allocation_since or each.created for each in scene.pools.values()))
