"""What is recommended, whole: words, harm, money, button and how urgent, kept as a golden file to be read."""

from __future__ import annotations

from bot.domain.money.advice import PoolNow
from bot.domain.money.movers import PoolSpan
from bot.domain.money.spend import Spend
from bot.domain.recommendations.judge import MEASURED, RULES, judge
from bot.domain.recommendations.model import Case, NodesStanding, Recommendation, ScheduleStanding, Signed, Spent
from storage.port.core_use import CoreUse
from storage.port.spread import spread_of
from tests.domain.recommendations.test_asked import DAYS, NODES, OUTPUT, PAID, WIDE, asked, spent
from tests.domain.recommendations.test_rules import (
    AT,
    DAY,
    FORMULA,
    HOUR,
    IDLE,
    LAPSED,
    TWO,
    case,
    job,
    pool,
    run,
)
from tests.golden import check_text

HALF = CoreUse(unused=96, busy=4)
OFF = [ScheduleStanding(id=f"s-{n}", state="disabled", state_since=AT - n * DAY) for n in (31, 40)]
OLD = [pool(f"old-{n}", allocation_since=AT - n * DAY) for n in (31, 40)]
LOST = {"lost_core_seconds": 36_000.0, "retries": 9}
NOW = {"sim": PoolNow("sim", 12, idle=12, idle_since=AT - DAY)}
CASES: list[Case] = [
    case(pools=[pool(standing=IDLE, **TWO)]),
    case(pools=[pool(standing={"idle": 1, "idle_since": AT - 9 * HOUR}, spot=1, dedicated=0, target_spot=1)]),
    case(pools=[pool(dedicated=1, autoscale_at=AT - DAY, **FORMULA)]),
    case(pools=[pool(resize_errors=(("ResizeStopped", "x"), ("AllocationTimedOut", LAPSED)), **TWO)]),
    case(pools=OLD[:1]),
    case(pools=OLD),
    *(
        case(pools=[pool(standing={"image": "ubuntu", "image_ends": AT + days * DAY})], images=True)
        for days in (90, 7, -1)
    ),
    case(pools=[pool(standing={"size_ends": AT + 9 * DAY})], sizes=True),
    case(pools=[pool(standing={"signed_until": AT + 7 * DAY})]),
    case(pools=[pool(standing={"signed_until": AT - DAY})]),
    case(schedules=[ScheduleStanding(id="n", state="active", signed_until=AT + 9 * DAY, next_run=AT + 10 * DAY)]),
    case(schedules=[ScheduleStanding(id="n", state="active", signed_until=AT + 6 * DAY, next_run=AT + DAY)]),
    case(schedules=[ScheduleStanding(id="n", state="active", signed_until=AT + 6 * DAY)]),
    case(schedules=OFF[:1]),
    case(schedules=OFF),
    case(jobs=[job()]),
    case(jobs=[job(tasks=1), job("render-2", tasks=0)]),
    case(jobs=[job("nightly:job-3", schedule="nightly")]),
    case(jobs=[job(unfinished=30, signed=Signed(until=AT + 9 * DAY, task="t-1", ending=12), through=AT + 10 * DAY)]),
    case(jobs=[job(unfinished=1, signed=Signed(until=AT - HOUR, task="t-1", ending=1))]),
    case(runs=[run(**LOST)]),
    case(runs=[run(**LOST), run(job="nightly:job-2", currency="EUR", **LOST)]),
    case(runs=[run(job="alone", schedule="", cost=None, **LOST)]),
    case(runs=[run(runtimes=spread_of([4.0] * 100))]),
    case(runs=[run(job="alone", schedule="", runtimes=spread_of([4.0] * 200))]),
    case(pools=[asked({"width": WIDE})], spent=PAID),
    case(pools=[asked({"width": WIDE}, autoscale=True, target_dedicated=2)], spent=PAID),
    case(pools=[asked({"width": WIDE}, target_dedicated=5, target_spot=5)], spent=PAID),
    case(pools=[asked({"used_slots": DAYS})], spent=PAID),
    case(pools=[asked({"nodes": NodesStanding(**NODES | {"agent_since": AT - 180 * DAY})})]),
    case(pools=[asked({"nodes": NodesStanding(**NODES | {"agents": {"1.12.2": 9, "1.10.0": 1}})})]),
    case(pools=[asked({"nodes": NodesStanding(**NODES), "output": OUTPUT})]),
    case(pools=[asked({"nodes": NodesStanding(**NODES | {"full": ("tvm-1",)}), "output": OUTPUT})]),
    case(runs=[run(pool="CPU", requeued_core_seconds=36_000.0)], spent=spent(spot=CoreUse(busy=50, unused=10))),
    case(spent=Spent([PoolSpan("sim", Spend("USD", HALF, money=HALF), "s")], NOW, "USD")),
    case(pools=[pool("first"), pool("late", autoscale_at=AT - DAY, **FORMULA), pool(standing=IDLE, **TWO), *OLD]),
]


def said(each: Recommendation) -> str:
    money = (
        "" if each.week is None else f", {each.week:.2f} {each.currency} a week{' measured' if each.measured else ''}"
    )
    lines = [
        f"{each.kind}, risk {each.risk}{money}: {each.words}",
        *([f"  {each.harm}"] if each.harm else []),
        f"  [{each.button}] {each.command}{' ...' if each.form else ' !' if each.changes else ''}",
        f"  about {each.about.kind} {each.about.id}{f', since {each.since:%d %b %H:%M}' if each.since else ''}",
        *([f"  namely {', '.join(one.id for one in each.of)}"] if each.of else []),
    ]
    return "\n".join(lines)


def test_every_recommendation_says_what_it_should() -> None:
    found = [judge(each).found for each in CASES]
    check_text("recommendations", "\n\n".join("\n".join(map(said, each)) or "nothing" for each in found) + "\n")
    told = {each.kind for judged in found for each in judged}
    assert told >= {kind for rule in RULES for kind in rule.kinds if rule.kinds != MEASURED}
