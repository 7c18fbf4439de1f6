from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from bot.settings import KeepSettings
from storage.retention import RESOLUTIONS, Retention

DOCS = Path(__file__).parents[2] / "docs" / "storage.md"
DAY = 86400
MIDNIGHT = 20_000 * DAY


def test_the_page_tells_the_truth() -> None:
    page = DOCS.read_text(encoding="utf-8")
    kept = Retention()
    for step, span in kept.rollups.items():
        assert f"| rollup of {step} s | {f'{span.days} days' if span else 'forever'} |" in page
    assert f"| samples of cores, nodes and tasks | {kept.samples.days} days |" in page
    assert f"| transitions | {kept.transitions.days} days, `keep.transitions_days` |" in page
    assert f"| rollup of transitions, hourly | {kept.transition_counts.days} days, `keep.counts_days` |" in page
    assert f"| resolved incidents, their notifications | {kept.incidents.days} days, `keep.incidents_days` |" in page
    assert f"| delivered outbox messages | {kept.entries.days} days |" in page
    assert f"| how long nodes took to boot | {kept.timings.days} days |" in page
    assert f"| {kept.black_box.days} days, `keep.black_box_days`; " in page
    assert f"{kept.black_box_bytes // 1024**2} MB in all, `keep.black_box_mb`" in page
    assert f"| messages on Teams: under which id each was posted | {kept.messages.days} days |" in page
    assert f"| undeliverable outbox messages | {kept.entries.days} days |" in page
    assert f"| undelivered events for webhooks | {kept.entries.days} days |" in page
    assert f"| runs of jobs: what each came to | {kept.job_runs.days} days |" in page
    assert f"| requests (journal) | {kept.requests.days} days |" in page
    assert f"their keys are remembered for {kept.request_keys.days} day " in page
    assert f"| operations, with their steps | {kept.operations.days} days after they ended |" in page
    assert f"which tasks a button of `failures` means | {kept.uploads.days} days |" in page
    assert f"| confirmations | {kept.confirmations.days} day after" in page
    assert f"unusual days with their answers | {kept.reports.days} days |" in page
    assert f"| approvals, emergencies | {kept.approvals.days} days after" in page


def test_the_settings_say_the_same() -> None:
    keep, kept = KeepSettings(), Retention()
    assert (keep.transitions_days, keep.counts_days, keep.incidents_days) == (
        kept.transitions.days,
        kept.transition_counts.days,
        kept.incidents.days,
    )
    assert keep.black_box_days == kept.black_box.days
    assert keep.black_box_mb * 1024**2 == kept.black_box_bytes


def test_each_resolution_divides_the_next() -> None:
    assert all(coarse % fine == 0 for fine, coarse in pairwise(RESOLUTIONS))


@pytest.mark.parametrize(
    ("since", "span", "step", "expected"),
    [
        pytest.param(MIDNIGHT, DAY, 3600, (1800, MIDNIGHT), id="coarsest that divides the step"),
        pytest.param(MIDNIGHT + 5 * 3600, 7 * DAY, DAY, (1800, MIDNIGHT + 5 * 3600), id="local midnight"),
        pytest.param(MIDNIGHT + 60, DAY, 1800, (60, MIDNIGHT + 60), id="a minute off, minutes are kept"),
        pytest.param(MIDNIGHT + 60, 30 * DAY, 1800, (1800, MIDNIGHT), id="a minute off, minutes are gone"),
        pytest.param(MIDNIGHT + 7, DAY, 300, (300, MIDNIGHT), id="on no grid"),
    ],
)
def test_resolution(since: int, span: int, step: int, expected: tuple[int, int]) -> None:
    assert Retention().resolution(since, since + span, step) == expected
