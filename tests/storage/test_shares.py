"""Replicas share accounts: each has its part, nobody's part is another's, and few move when replicas come and go."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from storage.opening import Opened, open_replica
from storage.port.changes import ChangeSet
from storage.port.errors import StoreHeld
from storage.port.looks import Look
from storage.postgresql import holding, shares
from storage.postgresql.address import Address
from storage.postgresql.holding import Holding
from tests.postgresql import database
from tests.storage.looking import rows

ACCOUNTS = [f"account-{number}" for number in range(10)]
LEASE = 3.0
"""Seconds. Whose thread waits for a processor for longer than that loses what it has."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(shares, "FIRST", 0.2)
    monkeypatch.setattr(shares, "SETTLED", 0.5)
    monkeypatch.setattr(holding, "LEASE", LEASE)
    with database() as url:
        yield url


@pytest.fixture
async def replicas(url: str) -> AsyncIterator[list[Holding]]:
    made: list[Holding] = []
    yield made
    for each in made:
        await asyncio.to_thread(each.release)


async def _more(url: str, replicas: list[Holding], number: int = 1) -> None:
    for _ in range(number):
        each = await asyncio.to_thread(Holding.stand_by, Address(url), "1")
        each.shares.want(ACCOUNTS)
        replicas.append(each)


async def _until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.02)


def _parts(replicas: list[Holding]) -> list[int]:
    return sorted(len(each.shares.mine()) for each in replicas)


def _epochs(url: str) -> dict[str, int]:
    return dict(rows(url, "SELECT account, epoch FROM watching"))  # type: ignore[arg-type]


async def test_each_has_its_part_and_few_accounts_move(url: str, replicas: list[Holding]) -> None:
    await _more(url, replicas)
    await _until(lambda: _parts(replicas) == [10])
    await _more(url, replicas)
    await _until(lambda: _parts(replicas) == [5, 5])
    await _more(url, replicas)
    await _until(lambda: _parts(replicas) == [2, 4, 4])
    assert sum(_epochs(url).values()) == 10 + 5 + 2, "only what the new one gets has moved"
    watched = Counter(account for each in replicas for account in each.shares.mine())
    assert watched == Counter(ACCOUNTS)

    gone = replicas.pop()
    part = set(gone.shares.mine())
    before = _epochs(url)
    await asyncio.to_thread(gone.release)
    await _until(lambda: _parts(replicas) == [5, 5])
    moved = {account for account, epoch in _epochs(url).items() if epoch != before[account]}
    assert moved == part, "and of the others nothing"
    [one, other] = [set(each.shares.mine()) for each in replicas]
    assert one | other == set(ACCOUNTS)
    await _until(lambda: sorted(len(each.watches) for each in replicas[0].replicas()) == [5, 5])


async def test_a_new_one_takes_nothing_before_it_can_have_seen_who_else_began(
    url: str, replicas: list[Holding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "FIRST", time.monotonic())  # seconds: as long as the machine has run
    await _more(url, replicas)
    for asked in (1, 2, 3):  # each look writes down once what was asked for
        await _until(lambda: len(_epochs(url)) == len(ACCOUNTS))
        replicas[0].shares.nudge("account-0")
        await _until(
            lambda asked=asked: rows(url, "SELECT nudged FROM watching WHERE account = ?", "account-0") == [(asked,)]
        )
    assert set(_epochs(url).values()) == {0}
    monkeypatch.setattr(shares, "FIRST", 0.2)
    await _until(lambda: _parts(replicas) == [10])


async def test_what_one_alone_would_watch_is_watched(url: str, replicas: list[Holding]) -> None:
    """As while settings are changed in one replica after the other."""
    await _more(url, replicas, 2)
    await _until(lambda: _parts(replicas) == [5, 5])
    one, other = replicas
    one.shares.want([*ACCOUNTS, "new"])
    await _until(lambda: "new" in one.shares.mine())
    assert _parts(replicas) == [5, 6], "and nothing else has moved"
    other.shares.want([*ACCOUNTS, "new"])
    await asyncio.sleep(LEASE)
    assert _parts(replicas) == [5, 6]
    one.shares.want(ACCOUNTS[:1])
    await _until(lambda: set(other.shares.mine()) >= {*ACCOUNTS[1:], "new"})
    await _until(lambda: len(other.shares.mine()) + len(one.shares.mine()) == 11)


async def test_nothing_is_given_up_for_one_that_still_starts(url: str, replicas: list[Holding]) -> None:
    """It may wait for a chat that is away."""
    await _more(url, replicas)
    await _until(lambda: _parts(replicas) == [10])
    starting = await asyncio.to_thread(Holding.stand_by, Address(url), "1")
    replicas.append(starting)
    await asyncio.sleep(LEASE)
    assert _parts(replicas) == [0, 10]
    starting.shares.want(ACCOUNTS)
    await _until(lambda: _parts(replicas) == [5, 5])


async def test_one_that_stands_still_loses_its_accounts_and_knows_before(url: str, replicas: list[Holding]) -> None:
    await _more(url, replicas, 2)
    await _until(lambda: _parts(replicas) == [5, 5])
    still, other = replicas if replicas[1].epoch else reversed(replicas)  # the one without the duties
    still._alive = holding.clock() - 100  # as one whose event loop hangs
    await _until(lambda: not still.shares.mine())
    assert not set(still.shares.mine()), "it is sure of none"
    await _until(lambda: len(other.shares.mine()) == 10)
    await _until(lambda: still.alive() or _parts(replicas) == [5, 5])  # type: ignore[func-returns-value]


async def test_whoever_lost_an_account_stores_nothing_of_it(url: str) -> None:
    made: list[Opened] = [await asyncio.to_thread(open_replica, url, patience=0, version="1") for _ in range(2)]
    first, second = made
    assert first.lease
    assert second.lease
    with pytest.raises(StoreHeld, match="account render is watched by another replica"):
        await first.of_account("render").record(ChangeSet(looks=[Look("render", b"")]))
    first.lease.shares.want(["render"])
    await _until(lambda: first.lease and first.lease.shares.mine())
    mine = first.of_account("render")
    await mine.record(ChangeSet(looks=[Look("render", b"1")]))
    with pytest.raises(StoreHeld):
        await second.of_account("render").record(ChangeSet(looks=[Look("render", b"2")]))
    # Another takes it between two of its looks: what it goes by is not so any more.
    rows_ = rows(url, "UPDATE watching SET epoch = epoch + 1, replica = '' RETURNING epoch")
    assert rows_ == [(2,)]
    known = dict(first.lease.shares._mine)  # type: ignore[attr-defined]
    first.lease.shares._mine = {"render": (known["render"][0], 1)}  # type: ignore[attr-defined]
    with pytest.raises(StoreHeld):
        await mine.record(ChangeSet(looks=[Look("render", b"3")]))
    assert [each.body for each in await second.front.looks(["render"])] == [b"1"]
    for each in made:
        await each.of_account("render").close()
        await each.duties.close()
        await each.front.close()
        await asyncio.to_thread(each.let_go)


async def test_nobody_watches_beside_a_version_that_watches_everything_itself(url: str) -> None:
    """As it is in a rolling update: an old replica takes the duties, and writes its epoch without knowing of looks."""
    [each] = [await asyncio.to_thread(open_replica, url, patience=0, version="2")]
    assert each.lease
    each.lease.shares.want(["render"])
    await _until(lambda: each.lease and each.lease.shares.mine())
    store = each.of_account("render")
    await store.record(ChangeSet(looks=[Look("render", b"1")]))
    rows(url, "UPDATE holding SET epoch = epoch + 1, holder = 'an old one' RETURNING epoch")
    with pytest.raises(StoreHeld):
        await store.record(ChangeSet(looks=[Look("render", b"2")]))
    assert [look.body for look in await each.front.looks(["render"])] == [b"1"], "it waits for one that knows of it"
    await store.close()
    await each.duties.close()
    await each.front.close()
    await asyncio.to_thread(each.let_go)
