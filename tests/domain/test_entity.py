"""One id is one thing in whatever case it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.entity import Entity, by_id, find, fold, same_id, schedule_of
from bot.domain.findings import fingerprint
from bot.domain.pools import PoolFacts

_IDS = st.text(st.sampled_from("abcxyzABCXYZ0189_-"), min_size=1, max_size=12)


@given(_IDS, _IDS)
def test_spellings_of_one_id_are_equal_everywhere(name: str, parent: str) -> None:
    one, another = Entity("node", name, parent), Entity("node", name.swapcase(), parent.upper())
    assert one == another
    assert len({one, another}) == 1
    assert fingerprint("a", "node.unusable", one) == fingerprint("a", "node.unusable", another)
    assert same_id(name, name.swapcase())
    assert find({name: 1}, name.swapcase()) == 1
    assert by_id([PoolFacts(name)])[fold(name.upper())].id == name
    assert Entity("pool", name) != Entity("job", name)
    assert one != Entity("node", f"{name}-", parent)


def test_the_fingerprint_of_a_lower_case_id_is_what_it_always_was() -> None:
    """Open incidents of installations that are updated stay the same incidents."""
    assert fingerprint("render-prod", "pool.idle", Entity("pool", "gpu-a")) == "71cc6bde6e0fcd71"


@pytest.mark.parametrize(
    ("job", "schedule"),
    [
        ("nightly:job-12", "nightly"),
        ("a:job-1:job-2", "a:job-1"),
        ("nightly:JOB-3", "nightly"),
        ("nightly", ""),
        (":job-1", ""),
        ("nightly:job-", ""),
        ("nightly:job-x", ""),
    ],
)
def test_the_schedule_of_a_job(job: str, schedule: str) -> None:
    assert schedule_of(job) == schedule
