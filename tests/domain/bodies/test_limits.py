"""What the service would refuse, with its place and in words: each limit just below, at and just above."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.bodies.fields import Noun
from bot.domain.bodies.hidden import Hidden, found, parameter_names, shown
from bot.domain.bodies.limits import problems
from bot.domain.bodies.path import NoSuchPlace, held_by, leaves, objects, parsed, spelled, value_at, with_value, without
from bot.domain.bodies.placeholders import NotFilled, Placeholder, escaped, filled, placeholders, typed
from bot.domain.bodies.write_only import given, missing, supplied, without_empty

POOL: dict[str, Any] = {
    "id": "cpu",
    "vmSize": "Standard_D2s_v3",
    "virtualMachineConfiguration": {"nodeAgentSKUId": "a"},
}
FORMULA = POOL | {"enableAutoScale": True, "autoScaleFormula": "$TargetDedicatedNodes=1;"}
JOB: dict[str, Any] = {"id": "render", "poolInfo": {"poolId": "cpu"}}
TASK: dict[str, Any] = {"id": "frame-1", "commandLine": "render"}
SCHEDULE: dict[str, Any] = {
    "id": "nightly", "schedule": {"recurrenceInterval": "P1D"}, "jobSpecification": {"poolInfo": {"poolId": "cpu"}},
}  # fmt: skip
GOOD: dict[Noun, dict[str, Any]] = {"pool": POOL, "job": JOB, "task": TASK, "schedule": SCHEDULE}
WINDOW = "at least PT60S"


@pytest.mark.parametrize(
    ("noun", "more", "said"),
    [
        # names
        ("job", {"id": "a" * 64}, []),
        ("job", {"id": "a" * 65}, ["id: 1 to 64 letters, digits, hyphens and underscores"]),
        ("job", {"id": ""}, ["id: 1 to 64 letters, digits, hyphens and underscores"]),
        ("job", {"id": "a b"}, ["id: 1 to 64 letters, digits, hyphens and underscores"]),
        ("job", {"displayName": "x" * 1024}, []),
        ("job", {"displayName": "x" * 1025}, ["displayName: 1,025 are more than 1,024 characters"]),
        ("job", {"other": 1, "another": 1},
         ["another: a job has no such field", "other: a job has no such field"]),
        ("job", {"eTag": "x"}, ["eTag: only the service writes it"]),
        # whole numbers, also written as text
        ("job", {"priority": -1000}, []),
        ("job", {"priority": -1001}, ["priority: -1,001 is not -1,000 to 1,000"]),
        ("job", {"priority": "1000"}, []),
        ("job", {"priority": "1001"}, ["priority: 1,001 is not -1,000 to 1,000"]),
        ("job", {"maxParallelTasks": -1}, []),
        ("job", {"maxParallelTasks": 0}, ["maxParallelTasks: at least 1"]),
        ("job", {"maxParallelTasks": 1}, []),
        ("task", {"requiredSlots": 0}, ["requiredSlots: 0 is not 1 to 256"]),
        ("task", {"requiredSlots": 1}, []),
        ("task", {"requiredSlots": 256}, []),
        ("task", {"requiredSlots": 257}, ["requiredSlots: 257 is not 1 to 256"]),
        ("task", {"constraints": {"maxTaskRetryCount": -1}}, []),
        ("task", {"constraints": {"maxTaskRetryCount": -2}}, ["constraints.maxTaskRetryCount: -2 is not -1 to 100"]),
        ("task", {"constraints": {"maxTaskRetryCount": 100}}, []),
        ("task", {"constraints": {"maxTaskRetryCount": 101}}, ["constraints.maxTaskRetryCount: 101 is not -1 to 100"]),
        ("pool", {"taskSlotsPerNode": 1}, []),
        ("pool", {"taskSlotsPerNode": 256}, []),
        ("pool", {"taskSlotsPerNode": 257}, ["taskSlotsPerNode: 257 is not 1 to 256"]),
        ("pool", {"targetDedicatedNodes": 0, "targetLowPriorityNodes": 0}, []),
        ("pool", {"targetDedicatedNodes": -1, "targetLowPriorityNodes": -1},
         ["targetDedicatedNodes: at least 0", "targetLowPriorityNodes: at least 0"]),
        # spans of time
        ("pool", {"resizeTimeout": "PT5M"}, []),
        ("pool", {"resizeTimeout": "PT299S"}, ["resizeTimeout: PT299S is too short or too long: at least PT300S"]),
        ("pool", {"resizeTimeout": "soon"},
         ["resizeTimeout: “soon” is not a duration: write it like PT15M or P1D"]),
        ("schedule", {"schedule": {"recurrenceInterval": "PT60S", "startWindow": "PT60S"}}, []),
        ("schedule", {"schedule": {"recurrenceInterval": "PT59S", "startWindow": "PT59S"}},
         [f"schedule.recurrenceInterval: PT59S is too short or too long: {WINDOW}",
          f"schedule.startWindow: PT59S is too short or too long: {WINDOW}"]),
        # lists
        ("pool", {"userAccounts": [{"name": "u"}] * 5, "mountConfiguration": [{}] * 10,
                  "applicationPackageReferences": [{"applicationId": "a"}] * 10}, []),
        ("pool", {"userAccounts": [{"name": "u"}] * 6, "mountConfiguration": [{}] * 11,
                  "applicationPackageReferences": [{"applicationId": "a"}] * 11},
         ["applicationPackageReferences: 11 are more than 10", "userAccounts: 6 are more than 5",
          "mountConfiguration: 11 are more than 10"]),
        ("task", {"dependsOn": {"taskIds": ["x" * 64] * 1000}}, []),
        ("task", {"dependsOn": {"taskIds": ["x" * 64] * 1000 + ["x"]}},
         ["dependsOn.taskIds: the ids together are longer than 64,000 characters"]),
        # what has to be there, and what not beside it
        ("pool", {"vmSize": "", "virtualMachineConfiguration": {}},
         ["vmSize: a pool needs a VM size", "virtualMachineConfiguration: a pool needs an image"]),
        ("pool", {"startTask": {"waitForSuccess": True}}, ["startTask.commandLine: a start task needs a command"]),
        ("pool", {"startTask": {"commandLine": "a"}}, []),
        ("pool", {"autoScaleFormula": "x"}, ["enableAutoScale: a formula needs autoscale to be enabled"]),
        ("job", {"poolInfo": {}},
         ["poolInfo: a job needs a pool, or the specification of one that is made for it; not both"]),
        ("job", {"poolInfo": {"poolId": "cpu", "autoPoolSpecification": {"pool": POOL}}},
         ["poolInfo: a job needs a pool, or the specification of one that is made for it; not both"]),
        ("job", {"jobReleaseTask": {"commandLine": "a"}}, ["jobReleaseTask: a release task needs a preparation task"]),
        ("job", {"jobPreparationTask": {}, "jobReleaseTask": {}, "jobManagerTask": {"id": "m"}},
         [f"{name}.commandLine: a task needs a command"
          for name in ("jobManagerTask", "jobPreparationTask", "jobReleaseTask")]),
        ("task", {"commandLine": ""}, ["commandLine: a task needs a command"]),
        ("schedule", {"jobSpecification": {}}, ["jobSpecification: a schedule says what its jobs are like"]),
        ("schedule", {"jobSpecification": {"poolInfo": {}}},
         ["jobSpecification.poolInfo: a job needs a pool, or the specification of one that is made for it; not both"]),
    ],
)  # fmt: skip
def test_what_is_refused(noun: Noun, more: dict[str, Any], said: list[str]) -> None:
    assert [str(each) for each in problems(noun, GOOD[noun] | more)] == [
        each for each in said if not each.endswith(": x")
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, []),
        ({"autoScaleFormula": ""}, ["autoScaleFormula: a pool that scales itself needs a formula"]),
        ({"autoScaleFormula": "x" * 8192}, []),
        ({"autoScaleFormula": "x" * 8193}, ["autoScaleFormula: 8,193 are more than 8,192 characters"]),
        ({"targetDedicatedNodes": 0}, ["targetDedicatedNodes: a pool that scales itself takes no counts"]),
        ({"targetLowPriorityNodes": 3}, ["targetLowPriorityNodes: a pool that scales itself takes no counts"]),
        ({"autoScaleEvaluationInterval": "PT5M"}, []),
        ({"autoScaleEvaluationInterval": "PT168H"}, []),
        ({"autoScaleEvaluationInterval": "PT299S"},
         ["autoScaleEvaluationInterval: PT299S is too short or too long: at least PT300S and at most P7D"]),
        ({"autoScaleEvaluationInterval": "PT169H"},
         ["autoScaleEvaluationInterval: PT169H is too short or too long: at least PT300S and at most P7D"]),
    ],
)  # fmt: skip
def test_what_is_refused_of_a_pool_that_scales_itself(more: dict[str, Any], said: list[str]) -> None:
    assert [str(each) for each in problems("pool", FORMULA | more)] == said


# Places


BODY: dict[str, Any] = {"a": {"b": [{"c": 1}, {"c": 2}], "d": {}}, "e": None, "settings": {"x": {"y": 1}}}


def test_values_at_their_places() -> None:
    places = ("a.b[0].c", "a.b[1].c", "a.b[2].c", "a.b.c", "a[0]", "e", "f")
    assert [value_at(BODY, parsed(each), "–") for each in places] == [1, 2, "–", "–", "–", None, "–"]
    assert [spelled(each) for each in (("a", "b", 0, "c"), ("a",), ())] == ["a.b[0].c", "a", ""]
    assert [held_by(each) for each in (("a", "b", 0), ("a", "b"), ())] == ["b", "b", ""]
    for wrong in ("", "[0]", "a..b[", "a]"):
        with pytest.raises(NoSuchPlace, match="is not a place in a body"):
            parsed(wrong)


def test_values_are_put_at_their_places() -> None:
    def put(place: str, value: Any = 9) -> Any:
        return with_value(BODY, parsed(place), value)["a"]

    assert put("a.b[1].c") == {"b": [{"c": 1}, {"c": 9}], "d": {}}
    assert put("a.b[2]") == {"b": [{"c": 1}, {"c": 2}, 9], "d": {}}
    assert put("a.d.new.deep") == {"b": [{"c": 1}, {"c": 2}], "d": {"new": {"deep": 9}}}
    assert put("a.list[0]") == {"b": [{"c": 1}, {"c": 2}], "d": {}, "list": [9]}
    assert with_value(BODY, ("e", "f"), 1)["e"] == {"f": 1}, "what is null is made"
    for place, words in (("a.b[3]", "a.b[3]"), ("a.b[0].c.d", "a.b[0].c"), ("a.b.c", "a.b.c"), ("a.b[5].c", "a.b[5]")):
        with pytest.raises(NoSuchPlace) as error:
            put(place)
        assert str(error.value) == f"There is no {words}."
    assert BODY["a"] == {"b": [{"c": 1}, {"c": 2}], "d": {}}, "the body itself is left alone"


def test_what_is_taken_out_leaves_the_rest_in_its_order() -> None:
    items = {"l": [0, 1, 2, 3], "k": 1}
    assert without(items, ("l", 0), ("l", 2)) == {"l": [1, 3], "k": 1}
    assert without(items, ("l", 4), ("none",), ("k", "x"), ("k",)) == {"l": [0, 1, 2, 3]}
    assert list(leaves(BODY)) == [
        (("a", "b", 0, "c"), 1), (("a", "b", 1, "c"), 2), (("a", "d"), {}), (("e",), None), (("settings", "x", "y"), 1),
    ]  # fmt: skip
    assert [path for path, _ in objects(BODY)] == [(), ("a",), ("a", "b", 0), ("a", "b", 1), ("a", "d")]


# What is hidden


def test_hidden_values_have_parameters_with_names_of_their_own() -> None:
    one, two = Hidden(("userAccounts", 0, "password"), "the password of u"), Hidden(("a", "b"), "a key", "https://x/…")
    same, settings = Hidden(("a.b",), "another"), Hidden(("extensions", 0, "protectedSettings"), "settings")
    assert parameter_names([one, two, same]) == {one: "userAccounts0Password", two: "aB", same: "aB2"}
    assert parameter_names([Hidden(("…",), "odd")]) == {Hidden(("…",), "odd"): "value"}
    assert (one.description, two.description) == (
        "userAccounts[0].password: the password of u", "a.b: a key: https://x/…",
    )  # fmt: skip
    assert (one.kind, settings.kind) == ("string", "object")
    body = {"x": [one, 3], "y": {"z": two}, "w": "words"}
    assert found(body) == [one, two]
    assert shown(body) == {"x": ["…", 3], "y": {"z": "https://x/…"}, "w": "words"}


# Placeholders


def test_placeholders_and_their_defaults() -> None:
    body = {"id": "{a}-{b:2}", "env": ["{b}", "{a:1}", "{{c}}", "${d}", "{1}", "{}"], "n": 7}
    assert placeholders(body) == [Placeholder("a", "1"), Placeholder("b", "2")], "the first default of a name"
    assert [str(each) for each in placeholders(body)] == ["{a:1}", "{b:2}"]
    assert filled(body, {"a": "x"}) == {"id": "x-2", "env": ["2", "x", "{c}", "${d}", "{1}", "{}"], "n": 7}
    assert filled({"id": "{a:}}"}, {}) == {"id": "}"}
    assert escaped({"id": "{a}"}) == {"id": "{{a}}"}
    for values, said in (
        ({"z": "1", "y": "2"}, "The template has no placeholder y, z. It has a, b."),
        ({}, "The template needs a value for a: give it as a=…."),
    ):
        with pytest.raises(NotFilled) as error:
            filled({"id": "{a}{b:2}"}, values)
        assert str(error.value) == said
    with pytest.raises(NotFilled, match=r"has no placeholder z\. It has none\."):
        filled({"id": "a"}, {"z": "1"})


@pytest.mark.parametrize(
    ("field", "words", "value"),
    [
        ("priority", "-12", -12), ("priority", "9" * 18, int("9" * 18)), ("enableAutoScale", "TRUE", True),
        ("enableAutoScale", "yes", True), ("enableAutoScale", "No", False), ("enableAutoScale", "false", False),
        ("displayName", "12", "12"), ("displayName", "true", "true"),
    ],
)  # fmt: skip
def test_text_becomes_what_its_field_holds(field: str, words: str, value: Any) -> None:
    assert typed(field, words) == value
    assert type(typed(field, words)) is type(value)


@pytest.mark.parametrize(
    ("field", "words", "said"),
    [
        ("priority", "1.5", "a.b takes a whole number, and “1.5” is none."),
        ("priority", "9" * 19, f"a.b takes a whole number, and “{'9' * 19}” is none."),
        ("priority", "x" * 41, f"a.b takes a whole number, and “{'x' * 40}” is none."),
        ("enableAutoScale", "1", "a.b takes true or false, and “1” is neither."),
    ],
)
def test_text_that_does_not_fit_its_field(field: str, words: str, said: str) -> None:
    with pytest.raises(NotFilled) as error:
        typed(field, words, "a.b")
    assert str(error.value) == said
    with pytest.raises(NotFilled, match=f"^{field} takes"):
        typed(field, words)


# What is never answered


def users(*accounts: dict[str, Any]) -> dict[str, Any]:
    return {"userAccounts": list(accounts)}


def test_what_a_body_lacks_and_what_it_has() -> None:
    body = users({"name": "u"}, {"name": "v", "password": "p"}, {"password": ""})
    assert [(each.place, each.what, each.required) for each in missing(body)] == [
        ("userAccounts[0].password", "the password of user u", True),
        ("userAccounts[2].password", "the password of user (no name)", True),
    ]
    assert [spelled(each) for each in given(body)] == ["userAccounts[1].password"]
    assert without_empty(body) == users({"name": "u"}, {"name": "v", "password": "p"}, {})
    assert supplied(body, {"userAccounts[0].password": "q"})["userAccounts"][0] == {"name": "u", "password": "q"}
    for place, value, said in (
        ("userAccounts[1].password", "q", "Nothing is asked for at userAccounts[1].password."),
        ("userAccounts[0].password", "", "The value of userAccounts[0].password is empty."),
    ):
        with pytest.raises(NoSuchPlace) as error:
            supplied(body, {place: value})
        assert str(error.value) == said


@pytest.mark.parametrize(
    ("registry", "asked"),
    [
        ({"registryServer": "r"}, []),
        ({"registryServer": "r", "username": "u"}, ["the password of r"]),
        ({"registryServer": "r", "username": "u", "password": "p"}, []),
        ({"registryServer": "r", "username": "u", "identityReference": {"resourceId": "/i"}}, []),
    ],
)
def test_a_registry_asks_for_a_password_where_a_user_logs_in(registry: dict[str, Any], asked: list[str]) -> None:
    body = {"virtualMachineConfiguration": {"containerConfiguration": {"containerRegistries": [registry]}}}
    assert [each.what for each in missing(body)] == asked
