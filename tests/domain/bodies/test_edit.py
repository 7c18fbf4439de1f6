"""Edits: what a change does not name stays as it is, for every recorded body and every value in it."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bodies.edit import REMOVE, NotEditable, applied, patch_for, restoring, with_named
from bot.domain.bodies.fields import ANSWERED_WITHIN, FIELDS, NOUNS, Noun
from bot.domain.bodies.path import NoSuchPlace, Path, leaves, parsed, spelled, value_at, without
from tests.domain.bodies.documents import CHANGE, against_the_document, recorded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def settable(noun: Noun, body: dict[str, Any]) -> list[Path]:
    """Places of values in editable fields, without those that only the service writes."""
    return [
        path
        for path, _ in leaves(body)
        if path and path[0] in FIELDS[noun].editable and not set(path) & ANSWERED_WITHIN
    ]


def but(body: Any, *paths: Path) -> dict[Path, Any]:
    """Every value of a body by its place, without some places and without what only the service writes."""
    return {
        path: value
        for path, value in leaves(body)
        if path not in paths and not set(path) & ANSWERED_WITHIN and not any(path[: len(p)] == p for p in paths)
    }


@pytest.mark.parametrize("noun", NOUNS)
def test_editing_one_field_of_a_recorded_body_leaves_all_others_equal(noun: Noun) -> None:
    edited = 0
    for before in recorded(noun):
        original = copy.deepcopy(before)
        for path in settable(noun, before):
            edit = patch_for(noun, before, {spelled(path): "changed"})
            after = applied(before, edit)
            assert value_at(after, path) == "changed"
            assert but(after, path) == but(before, path)
            assert set(edit.body) == {path[0]}
            assert before == original
            edited += 1
    assert edited > 10


@pytest.mark.parametrize("noun", NOUNS)
def test_an_edit_with_the_same_value_is_a_parameter_of_the_service(noun: Noun) -> None:
    """What the patch carries of a recorded body validates as what the service takes."""
    for before in recorded(noun):
        for name in FIELDS[noun].editable & set(before):
            edit = patch_for(noun, before, {name: before[name]})
            assert not against_the_document(CHANGE[noun], edit.body), edit.body
            assert edit.method == ("PUT" if noun == "task" else "PATCH")


@given(JSON, st.text(max_size=5), st.randoms())
def test_a_field_that_nobody_knows_is_kept(unknown: Any, value: str, chance: random.Random) -> None:
    shared_parts = {
        "id": "p",
        "startTask": {"commandLine": "old", "future": unknown, "resourceFiles": [{"x": unknown}]},
        "metadata": [{"name": "a", "value": "b", "future": unknown}],
        "future": unknown,
    }
    before = json.loads(json.dumps(shared_parts))
    path = chance.choice(settable("pool", before))
    after = applied(before, patch_for("pool", before, {spelled(path): value}))
    assert but(after, path) == but(before, path)


@pytest.mark.parametrize("noun", NOUNS)
def test_setting_back_restores_every_editable_field(noun: Noun) -> None:
    for wanted in recorded(noun):
        for path in settable(noun, wanted)[:10]:
            now = applied(wanted, patch_for(noun, wanted, {spelled(path): "changed"}))
            edit = restoring(noun, wanted, now)
            assert edit is not None
            assert but(applied(now, edit)) == but(wanted)
    assert restoring("pool", {"id": "a", "metadata": []}, {"id": "a", "metadata": [], "state": "active"}) is None


def test_fields_are_added_and_taken_away() -> None:
    before = {
        "id": "j",
        "constraints": {"maxTaskRetryCount": 3, "maxWallClockTime": "P1D"},
        "metadata": [{"name": "a"}],
    }
    edit = patch_for("job", before, {"constraints.maxWallClockTime": REMOVE, "networkConfiguration.subnetId": "/s"})
    assert edit.body == {"constraints": {"maxTaskRetryCount": 3}, "networkConfiguration": {"subnetId": "/s"}}
    assert patch_for("job", before, {"metadata": REMOVE, "constraints": REMOVE}).body == {
        "metadata": [],
        "constraints": {},
    }
    with pytest.raises(NotEditable, match="networkConfiguration of a job cannot be taken away"):
        patch_for("job", before, {"networkConfiguration": REMOVE})


def test_a_start_task_is_taken_away_by_the_request_that_carries_all_the_rest() -> None:
    before = {
        "id": "p",
        "startTask": {"commandLine": "x"},
        "metadata": [{"name": "a", "value": "b"}],
        "applicationPackageReferences": [{"applicationId": "ffmpeg"}],
    }
    edit = patch_for("pool", before, {"startTask": REMOVE})
    assert (edit.method, edit.suffix) == ("POST", "/updateproperties")
    assert edit.body == {
        "metadata": [{"name": "a", "value": "b"}],
        "applicationPackageReferences": [{"applicationId": "ffmpeg"}],
    }
    assert applied(before, edit) == {name: value for name, value in before.items() if name != "startTask"}
    assert patch_for("pool", {"id": "p"}, {"startTask": REMOVE}).body == {
        "metadata": [],
        "applicationPackageReferences": [],
    }
    with pytest.raises(NotEditable, match="change vmSize in a second step"):
        patch_for("pool", before, {"startTask": REMOVE, "vmSize": "standard_d4s_v5"})


def test_what_needs_an_empty_pool_is_said() -> None:
    edit = patch_for("pool", {"id": "p", "vmSize": "a"}, {"vmSize": "b", "startTask.commandLine": "x"})
    assert edit.when_empty == ("vmSize",)
    assert edit.body == {"vmSize": "b", "startTask": {"commandLine": "x"}}


@pytest.mark.parametrize(
    ("noun", "place", "said"),
    [
        ("pool", "targetDedicatedNodes", "changed by resizing"),
        ("pool", "state", "nobody can set it"),
        ("job", "displayName", "cannot be changed once it is made. What can: allowTaskPreemption"),
        ("task", "commandLine", "What can: constraints."),
        ("schedule", "displayName", "What can: jobSpecification, metadata, schedule."),
    ],
)
def test_what_cannot_be_edited_is_refused_with_what_can(noun: Noun, place: str, said: str) -> None:
    with pytest.raises(NotEditable, match=said):
        patch_for(noun, {"id": "x"}, {place: "y"})


def test_named_values_are_set_added_and_taken_out() -> None:
    items = [{"name": "a", "value": "1", "future": True}, {"name": "b", "value": "2"}, {"name": "c", "value": "3"}]
    assert with_named(items, {"a": "9", "b": None, "d": "4", "e": None}) == [
        {"name": "a", "value": "9", "future": True},
        {"name": "c", "value": "3"},
        {"name": "d", "value": "4"},
    ]
    assert with_named(None, {"a": ""}) == [{"name": "a", "value": ""}]
    assert items[0]["value"] == "1"


@given(st.lists(st.text("ab-$ é", min_size=1) | st.integers(0, 99), max_size=5))
def test_a_path_is_read_back_as_it_is_spelled(steps: list[str | int]) -> None:
    path = ("top", *steps)
    assert parsed(spelled(path)) == path


@pytest.mark.parametrize("words", ["", "[0]", "a..b", "a[x]", "a[0", "."])
def test_what_is_no_path_is_refused(words: str) -> None:
    with pytest.raises(NoSuchPlace, match="is not a place in a body"):
        parsed(words)


def test_a_place_in_a_list_must_be_there() -> None:
    before = {"id": "p", "metadata": [{"name": "a"}]}
    with pytest.raises(NoSuchPlace, match=r"There is no metadata\[5\]"):
        patch_for("pool", before, {"metadata[5].name": "b"})
    with pytest.raises(NoSuchPlace, match=r"There is no startTask\.x"):
        patch_for("pool", {"startTask": {"x": 3}}, {"startTask.x.y": "b"})


def test_items_are_taken_out_of_a_list_together() -> None:
    body = {"a": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}
    assert without(body, ("a", 2), ("a", 10), ("a", 0)) == {"a": [1, 3, 4, 5, 6, 7, 8, 9, 11]}
