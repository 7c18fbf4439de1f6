"""What a soak shows: its figures, and, of a run that was kept, everything that was seen of one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.soak.expected import Expected, expected, kinds
from tests.soak.judge import PLATFORMS, Verdict, by_kind, judge, spread
from tests.soak.outcome import Outcome, Seen
from tests.soak.times import BEYOND, MOST_LAG, RARE

SEEN = "seen.json"
_SHOWN = 12


def keep(folder: Path, seen: Seen) -> None:
    """Write what was seen."""
    (folder / SEEN).write_bytes(msgspec.json.encode(seen))


def verdict_of(seen: Seen) -> Verdict:
    """Judge what was seen."""
    happened = expected(seen.changes, kinds())
    return judge(happened, seen.versions, seen.times, seen.until, seen.end)


def shown(outcome: Outcome) -> str:
    """The figures, and what is wrong."""
    lines = [
        f"{outcome.kills} kills in {outcome.seconds:.0f} s; trouble: {_counts(outcome.struck)}",
        f"jobs active in the end: {outcome.active}; the soak itself was {outcome.lag:.1f} s late at worst, fast clock; "
        f"program and soak waited {outcome.starved:.0f} s for a processor",
        *(["this machine is too busy for that speed: what is late means little"] if outcome.lag > MOST_LAG else []),
        f"outbox messages: {outcome.entries}, {len(outcome.undelivered)} undelivered; "
        f"transitions stored: {outcome.stored}, {len(outcome.not_stored)} missing",
        f"operations: {outcome.operations}, {outcome.resizes} writes for them, {len(outcome.unfinished)} unfinished",
        *([_taken_over(outcome.takeovers)] if outcome.takeovers else []),
        *_told(outcome.verdict, outcome.lost_answers),
        *(f"  {each}" for each in outcome.failures[:_SHOWN]),
        "green" if outcome.sound else "RED",
    ]
    return "\n".join(lines)


def _taken_over(seconds: list[float]) -> str:
    middle, most = sorted(seconds)[len(seconds) // 2], max(seconds)
    return f"duties taken over {len(seconds)} times, within {middle:.1f} s in the middle and {most:.1f} s at most"


def _counts(of: dict[str, int] | Counter[str]) -> str:
    return ", ".join(f"{name} {many}" for name, many in sorted(of.items())) or "none"


def _told(verdict: Verdict, lost_answers: int) -> Iterator[str]:
    head = f"{'kind':<28}{'expected':>9}" + "".join(f"{name:>9}" for name in PLATFORMS)
    yield head + f"{'p50':>8}{'p99':>8}{'longest':>9}  s of the program's own time"
    for kind, many in sorted(verdict.expected.items()):
        told = "".join(f"{verdict.told[kind, name]:>9}" for name in PLATFORMS)
        took = verdict.took.get(kind)
        times = (
            "".join(f"{each:>{wide}.0f}" for each, wide in zip(spread(took), (8, 8, 9), strict=True)) if took else ""
        )
        yield f"{kind:<28}{many:>9}{told}{times}"
    every = [each for took in verdict.took.values() for each in took]
    if every:
        half, most, longest = spread(every)
        yield f"all: {len(every)} told, p50 {half:.0f} s, p99 {most:.0f} s, longest {longest:.0f} s"
    yield f"over before a look must see them: {_counts(verdict.brief)}; not due yet: {_counts(verdict.not_due)}"
    yield (
        f"messages: {_counts(verdict.messages)}; "
        f"repeats marked on Teams: {verdict.marked} (edits took the mark from {verdict.unmarked}), "
        f"answers that Teams lost: {lost_answers}"
    )
    yield (
        f"lost {len(verdict.lost)} ({_counts(by_kind(verdict.lost))}), late {len(verdict.late)}, of them red "
        f"{len(verdict.too_late)} (all where more than {RARE:.0%} are late, else those {BEYOND:.0f} s beyond), "
        f"wrong {len(verdict.wrong)}, doubles {len(verdict.doubles)}"
    )
    yield from (f"  lost on {platform}: {each}, happened {_clock(each.at)}" for platform, each in verdict.lost[:_SHOWN])
    latest = sorted(verdict.late, key=lambda each: -each.beyond)[:_SHOWN]
    yield from (
        f"  late on {each.platform}: {each.expected}, {each.took:.0f} s, {each.beyond:.0f} s beyond" for each in latest
    )
    yield from (f"  wrong: {each}" for each in verdict.wrong[:_SHOWN])
    yield from (f"  double: {each}" for each in verdict.doubles[:_SHOWN])


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def look(folder: Path, name: str = "") -> str:
    """A run that was kept: what it found; or all that is known of a thing, as it happened and as it was told."""
    seen = msgspec.json.decode((folder / SEEN).read_bytes(), type=Seen)
    if not name:
        return "\n".join([f"again: python -m tests.soak {seen.options}", *_told(verdict_of(seen), 0), *_of_log(folder)])
    return "\n".join(_of(seen, name))


def _of(seen: Seen, name: str) -> Iterator[str]:
    rows = [
        (each.at, f"happened  {each.thing} {each.before or '-'} -> {each.after} {each.why} {each.many or ''}")
        for each in seen.changes
        if name in (each.id, each.parent)
    ]
    for version in seen.versions:
        about = [line for line in version.lines if name in line.replace(" / ", ":")]
        if about:
            marked = " (may be a repeat)" if version.marked else ""
            rows.append((version.at, f"{version.platform:<9} {version.message} {about[0]}{marked}"))
    for begun, end in seen.times.lives:
        rows += [(begun, "lives"), (end, "killed")]
    for platform, spells in seen.times.outages.items():
        rows += [row for begun, end in spells for row in ((begun, f"{platform} out"), (end, f"{platform} back"))]
    of = [at for at, words in rows if words.split()[0] in ("happened", *PLATFORMS)]
    last = max(of, default=0.0)
    yield from (f"{_clock(at)}  {words}" for at, words in sorted(rows) if min(of, default=0.0) - 60 <= at <= last + 300)
    happened: list[Expected] = [each for each in expected(seen.changes, kinds()) if each.name == name]
    yield from (f"expected  {_clock(each.at)} {each}: {' or '.join(each.words)}" for each in happened)


def _of_log(folder: Path) -> Iterator[str]:
    log = folder / "program.log"
    if log.exists():
        events = [
            msgspec.json.decode(line, type=dict)
            for line in log.read_bytes().splitlines()
            if line.startswith(b"{") and line.endswith(b"}")
        ]
        bad = Counter(str(each.get("event")) for each in events if each.get("level") in ("warning", "error"))
        yield f"log: {len(events)} lines; warnings and errors: {_counts(bad)}"
