"""What has to hold of every filter: it is read back as it is written, and the service gives no less than fits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.filter import ENTITIES, JOB, NODE, POOL, SCHEDULE, SCHEDULE_JOB, TASK, Entity, Filter, parse
from bot.requests.command import CommandError
from bot.requests.grammar import words
from bot.sandbox.wire import tables
from bot.sandbox.wire.odata import compile_filter
from cards.card import plain
from cards.command_line import join
from tests.filter.worlds import AT, COUNTS, ROWS, any_filters, filters, on_the_wire

LISTS = {
    POOL.name: tables.POOLS,
    NODE.name: tables.NODES,
    JOB.name: tables.JOBS,
    SCHEDULE_JOB.name: tables.SCHEDULE_JOBS,
    TASK.name: tables.TASKS,
    SCHEDULE.name: tables.SCHEDULES,
}


@given(any_filters)
def test_a_filter_is_read_back_as_it_is_written(found: Filter) -> None:
    assert parse(found.tokens, found.entity, zone=found.zone) == found
    assert parse(str(found), found.entity, zone=found.zone) == found
    assert words(join(found.tokens)) == list(found.tokens)


@given(
    st.lists(st.text(max_size=12) | st.text("- !~,*?\\'\":<>=a\u00a0\u2003\n", max_size=8), max_size=3),
    st.sampled_from(sorted(ENTITIES)),
)
def test_what_was_typed_is_the_same_filter_on_every_button_behind_it(typed: list[str], name: str) -> None:
    """A pager, a sort and a CSV button carry the filter as it was written, and each of theirs the same again."""
    try:
        found = parse(typed, ENTITIES[name])
    except CommandError:
        return
    assert parse(words(str(found)), ENTITIES[name]) == found
    assert str(parse(str(found), ENTITIES[name])) == str(found)


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
@given(data=st.data())
def test_the_service_gives_no_less_than_fits_and_just_that_where_it_is_exact(
    entity: Entity, data: st.DataObject
) -> None:
    found = data.draw(filters(entity))
    rows: list[Any] = data.draw(st.lists(ROWS[entity.name], max_size=6))
    bound = found.at(AT)
    selected = (
        compile_filter(bound.odata, LISTS[entity.name].table)([on_the_wire(row) for row in rows])
        if bound.odata
        else rows
    )
    given_by_service = [row.id for row in selected]
    fitting = [row.id for row in rows if bound.row(row)]
    if bound.exact:
        assert given_by_service == fitting
    left = list(given_by_service)
    for each in fitting:
        assert each in left
        left.remove(each)


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
@given(data=st.data())
def test_what_is_counted_or_denied_is_answered_too(entity: Entity, data: st.DataObject) -> None:
    found = data.draw(filters(entity))
    row = data.draw(ROWS[entity.name])
    counts = data.draw(COUNTS.get(entity.name, st.none()))
    bound = found.at(AT)
    assert found.matches(row, AT, counts) is (bound.row(row) and bound.counts(counts))
    assert plain(found.words(AT))
    fields = set(LISTS[entity.name].fields())
    assert set(found.select) <= fields


@given(
    st.text(max_size=60) | st.text("state:failed>0 -!~,*'\\\"<=ag2hid", max_size=40), st.sampled_from(sorted(ENTITIES))
)
def test_whatever_is_typed_is_understood_or_answered_with_advice(typed: str, name: str) -> None:
    entity = ENTITIES[name]
    try:
        found = parse([typed], entity)
    except CommandError as error:
        assert error.message
        assert not any(len(near) > 1200 for near in error.nearest)
        return
    assert parse(found.tokens, entity) == found
    odata = found.odata(AT)
    if odata:
        compile_filter(odata, LISTS[name].table)
