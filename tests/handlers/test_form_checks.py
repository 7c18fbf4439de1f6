"""What is wrong in any form is said below its field, and what was filled in stays."""

from __future__ import annotations

from cards.card import Form
from tests.handlers.conftest import Scene, nobody


async def filled(scene: Scene, command: str, **values: str) -> Form:
    form = await scene.dispatcher.form(command, nobody(), values=values)
    assert isinstance(form, Form), form
    assert {field.name: field.value for field in form.fields if field.value} == values, "what was filled in is kept"
    return form


async def test_a_mistake_stands_below_its_field(scene: Scene) -> None:
    for command, at, says, values in (
        ("pool show", "pool", "There is no pool “render-gpuu”", {"pool": "render-gpuu"}),
        ("pool show", "pool", "Pool is needed.", {}),
        ("node list", "filter", "state", {"pool": "render-gpu", "filter": "state:nonsense"}),
        ("job list", "filter", "Did you mean state:active?", {"filter": "sate:active", "account": "render-prod"}),
        ("job list", "filter", "failed", {"pool": "render-gpu", "filter": "failed>much"}),
        ("task show", "job", "There is no job “nosuch”", {"job": "nosuch", "task": "t-1"}),
        ("cost", "window", "“7parsec”", {"window": "7parsec"}),
        ("log", "lines", "“many”", {"job": "nosuch", "task": "t", "lines": "many"}),
        ("pool show", "account", "There is no account “nobodys”", {"pool": "render-gpu", "account": "nobodys"}),
    ):
        form = await filled(scene, command, **values)
        assert list(form.errors) == [at], (command, values, form.errors)
        assert says in form.errors[at], (command, form.errors)


async def test_what_is_right_is_taken(scene: Scene) -> None:
    for command, values in (
        ("pool show", {"pool": "render-gpu"}),
        ("job list", {"state": "active", "pool": "render-*", "filter": "failed>0 age>1m", "sort": "name"}),
        ("node list", {"pool": "render-gpu", "filter": "bad"}),
        ("pool list", {}),
    ):
        assert not (await filled(scene, command, **values)).errors, command


async def test_a_list_is_picked_and_not_typed(scene: Scene) -> None:
    form = await scene.dispatcher.form("job list pool:render-* 'failed>0' state:active page:3", nobody())
    assert isinstance(form, Form)
    assert [(each.name, each.kind, each.value) for each in form.fields][:4] == [
        ("state", "choice", "active"),
        ("pool", "name", "render-*"),
        ("filter", "text", "failed>0"),
        ("sort", "choice", "state"),
    ]
    for path, known in scene.dispatcher.services.registry.commands.items():
        if known.parameters and (form := await scene.dispatcher.form(path, nobody())) and isinstance(form, Form):
            assert "page" not in {field.name for field in form.fields}, path
