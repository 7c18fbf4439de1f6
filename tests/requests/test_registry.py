"""The registry: grammar, help, forms and advice from a signature."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from bot.requests.command import CommandError, Mark, command
from bot.requests.context import Context
from bot.requests.forms import make_form, with_values
from bot.requests.grammar import words
from bot.requests.registry import Registry
from cards.card import Card
from cards.command_line import join


async def list_things(
    ctx: Context,
    shelf: str,
    *,
    state: Literal["active", "completed"] | None = None,
    page: int = 1,
    full: bool = False,
) -> Card:
    """List the things on a shelf.

    More about it.

    :param shelf: the shelf's name
    :param state: only things in this state
    """
    return Card(title=())


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.add(list_things, Mark("thing list", "viewer", ("thing list a",), 1))
    made.add(list_things, Mark("thing show", "operator", (), 0))
    return made


@pytest.mark.parametrize(
    ("typed", "args", "kwargs"),
    [
        ("thing list a", ("a",), {}),
        ("THING List a", ("a",), {}),
        ("thing list a state:active page:2", ("a",), {"state": "active", "page": 2}),
        ("thing list a state=active", ("a",), {"state": "active"}),
        ("thing list a --state active", ("a",), {"state": "active"}),
        ("thing list a —state active", ("a",), {"state": "active"}),
        ("thing list “a b” ‑‑", ("a b",), {}),
        ("thing list 'it’s'", ("it’s",), {}),
        ("thing list “it’s”", ("it's",), {}),
        ("thing list ‘it’s so’", ("it's so",), {}),
        ("thing list it’s", ("it's",), {}),
        ("thing list 'full'", ("full",), {}),
        ("thing list “full” full", ("full",), {"full": True}),
        ("thing list -- full", ("full",), {}),
        ("thing list page:2 -- --state", ("--state",), {"page": 2}),
        ("thing list '--state'", ("--state",), {}),
        ("thing list '-' page:'2'", ("-",), {"page": 2}),
        ("thing list 'a – b.txt'", ("a – b.txt",), {}),
        ("thing list a\\b\\", ("a\\b\\",), {}),
        ('thing list "a\\b c\\"', ("a\\b c\\",), {}),
        ('thing list "say \\"yes\\""', ('say "yes"',), {}),
        ("thing list ‘a", ("'a",), {}),
        ("thing list nightly:job-12", ("nightly:job-12",), {}),
        ("thing list -a", ("-a",), {}),
        ("thing list -a page:-2 full", ("-a",), {"page": -2, "full": True}),
        ("thing list --state active -a", ("-a",), {"state": "active"}),
        ("thing list -- -a", ("-a",), {}),
        ("thing list a page:-1", ("a",), {"page": -1}),
        ("thing list --stat", None, None),
        ("thing list a --full", ("a",), {"full": True}),
        ("thing list a full", ("a",), {"full": True}),
        ("thing list a full:yes page:2", ("a",), {"full": True, "page": 2}),
        ("thing list a full=no", ("a",), {}),
        ("thing list fuller", ("fuller",), {}),
    ],
)
def test_what_people_type(registry: Registry, typed: str, args: tuple[str, ...] | None, kwargs: object) -> None:
    if args is None or kwargs is None:
        with pytest.raises(CommandError):
            registry.parse(words(typed))
        return
    call = registry.parse(words(typed))
    assert (call.command.path, call.args, call.kwargs) == ("thing list", args, kwargs)


@pytest.mark.parametrize(
    ("typed", "message", "nearest"),
    [
        ("thng list a", "There is no command “thng list”", "thing list a"),
        ("thing lst a", "There is no command “thing lst”", "thing list a"),
        ("thing", "What about thing?", "help"),
        ("thing list a state:actve", "is not a value of state: write", "thing list a state:active"),
        ("thing list a stat:active", "has no use for “stat:active”", "thing list a state:active"),
        ("thing list a state active", "has no use for “state active”", "thing list a state:active"),
        ("thing list a page:x", "“x” is not a whole number for page", "help thing list"),
        ("thing list", "“thing list” needs a shelf. Type thing list SHELF …", "help thing list"),
        ("", "There is no command", "help"),
        ("zzz qqq", "There is no command", "help"),
    ],
)
def test_mistakes_get_the_nearest_command(registry: Registry, typed: str, message: str, nearest: str) -> None:
    with pytest.raises(CommandError) as caught:
        registry.parse(words(typed))
    assert message in caught.value.message
    assert nearest in caught.value.nearest


@pytest.mark.parametrize(
    ("typed", "changing"),
    [
        ("job craete x", ["job create x"]),
        ("pool delte gpu", ["pool delete gpu"]),
        ("nodes reboot gpu a", ["node reboot gpu a"]),
        ("pool whatif gpu", []),
        ("job add x", []),
        ("job kill x", []),
        ("node restart gpu a", []),
        ("node allocate gpu a", []),
        ("node login gpu a", []),
        ("schedule run-now nightly", []),
        ("job remove x", []),
    ],
)
def test_a_mistyped_command_gets_no_change_that_was_not_meant(typed: str, changing: list[str]) -> None:
    known = Registry.discover(handlers)
    with pytest.raises(CommandError) as caught:
        known.parse(words(typed))
    found = [(each, known.find(words(each))) for each in caught.value.nearest]
    assert [each for each, command_ in found if command_ and command_.effect != "read"] == changing


def test_a_missing_word_is_named_with_its_article() -> None:
    known = Registry.discover(handlers)
    with pytest.raises(CommandError) as caught:
        known.parse(words("operation show"))
    assert caught.value.message == "“operation show” needs an operation. Type operation show OPERATION"


def test_a_text_too_long_or_with_an_open_quote_is_told() -> None:
    with pytest.raises(CommandError, match="10,000 at most"):
        words("x" * 10_001)
    with pytest.raises(CommandError, match="quote"):
        words("pool show 'gpu")


@given(st.text(max_size=300))
def test_nothing_that_is_typed_breaks_the_parser(text: str) -> None:
    made = Registry()
    made.add(list_things, Mark("thing list", "viewer", (), 1))
    try:
        made.parse(words(text))
    except CommandError as error:
        assert error.message


@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Pd", "Pi", "Pf", "Ps", "Zs")))
    )
)
def test_a_command_on_a_button_comes_back_as_it_was(tokens: list[str]) -> None:
    assert words(join(tokens)) == tokens


def test_the_form_comes_from_the_signature_and_goes_back_into_words(registry: Registry) -> None:
    form = make_form(registry, words("thing list a state:active"))
    kinds = {field.name: (field.kind, field.value, field.required) for field in form.fields}
    assert kinds == {
        "shelf": ("text", "a", True),
        "state": ("choice", "active", False),
        "full": ("flag", "false", False),
    }
    filled = with_values(registry, ["thing", "list"], {"shelf": "b c", "state": "", "page": "3", "full": "true"})
    call = registry.parse(filled)
    assert (call.args, call.kwargs) == (("b c",), {"page": 3, "full": True})


def test_a_command_needs_a_docstring_and_a_path_of_its_own(registry: Registry) -> None:
    async def bare(ctx: Context) -> Card:
        return Card(title=())

    with pytest.raises(ValueError, match="no docstring"):
        registry.add(bare, Mark("thing bare", "viewer", (), 0))
    with pytest.raises(ValueError, match="two handlers"):
        registry.add(list_things, Mark("thing list", "viewer", (), 0))


def test_the_decorator_leaves_the_handler_callable() -> None:
    assert command("thing list", effect="read")(list_things) is list_things


async def find_things(
    ctx: Context,
    shelf: str,
    *filter: str,  # noqa: A002 - the name that people see
    state: Literal["active", "completed"] | None = None,
    page: int = 1,
) -> Card:
    """Find things.

    :param filter: which ones
    """
    return Card(title=())


def test_what_an_option_does_not_know_is_left_to_the_filter_and_the_form_holds_all_of_it() -> None:
    made = Registry()
    made.add(find_things, Mark("thing find", "viewer", (), 1))
    typed = "thing find a state:active,completed 'label:b c' failed>0 page:2"
    call = made.parse(words(typed))
    assert call.args == ("a", "state:active,completed", "label:b c", "failed>0")
    assert call.kwargs == {"page": 2}
    assert made.parse(words("thing find a state:active b")).kwargs == {"state": "active"}
    form = make_form(made, words(typed))
    filled = {field.name: field.value for field in form.fields}
    assert filled == {"shelf": "a", "filter": "state:active,completed 'label:b c' 'failed>0'", "state": ""}
    again = made.parse(with_values(made, ["thing", "find"], {**filled, "state": "active"}))
    assert (again.args, again.kwargs) == (call.args, {"state": "active"})


def test_a_parameter_called_after_what_it_takes_is_completed() -> None:
    async def show(
        ctx: Context, pool: str, *task: str, node: int = 0, job: Literal["a", "b"] = "a", state: str = ""
    ) -> Card:
        """Show.

        :param pool: the pool
        """
        raise AssertionError

    made = Registry()
    made.add(show, Mark("show", "viewer", (), 0))
    kinds = {field.name: (field.kind, field.names) for field in make_form(made, ["show"]).fields}
    assert kinds["pool"] == ("name", "pool")
    assert {kind for name, kind in kinds.items() if name != "pool"} == {("text", ""), ("number", ""), ("choice", "")}


def test_what_is_completed_within_something_comes_with_it() -> None:
    """A node is looked for in a pool, a task in a job: a command that takes the one takes the other."""
    for known in Registry.discover(handlers).commands.values():
        taken = {parameter.names for parameter in known.parameters}
        assert "node" not in taken or "pool" in taken, known.path
        assert "task" not in taken or "job" in taken, known.path


async def paint_things(ctx: Context, *, shade: str | None = None, for_: str) -> Card:
    """Paint things.

    :param shade: of this shade
    :param for_: for whom
    """
    return Card(title=())


def test_the_value_of_an_option_may_begin_with_a_hyphen(registry: Registry) -> None:
    registry.add(paint_things, Mark("thing paint", "viewer", (), 0))
    call = registry.parse(words("thing paint shade:-a for=-b=c"))
    assert call.arguments == {"shade": "-a", "for": "-b=c"}
    with pytest.raises(CommandError, match=r"needs a for\. Type thing paint for:FOR …"):
        registry.parse(words("thing paint"))


async def make_thing(ctx: Context, shelf: str, *, as_: str | None = None, dry: bool = False) -> Card:
    """Make a thing."""
    return Card(title=())


def test_what_only_shows_is_a_read_though_the_command_changes() -> None:
    made = Registry()
    command("thing make", effect="change", azure=True, reads_with=("as", "dry"))(make_thing)
    made.add(make_thing, getattr(make_thing, "__batchbot_command__"))  # noqa: B009
    effects = {typed: made.parse(words(typed)).effect for typed in ("thing make a", "thing make a as:bicep")}
    assert effects == {"thing make a": "change", "thing make a as:bicep": "read"}
    assert made.parse(words("thing make a dry")).effect == "read"
    assert made.parse(words("thing make a dry:no")).effect == "change"
    known = made.commands["thing make"]
    assert known.needs.azure
    assert known.effect_sentence == "It makes a change. With as or dry it only reads."
    assert known.needs_sentence == "a grant"


def test_a_command_that_only_reads_is_no_verb() -> None:
    with pytest.raises(ValueError, match="only reads"):
        Registry().add(list_things, Mark("thing list", "viewer", (), 0, azure=True))


def a_verb(path: str, effect: str = "change") -> Registry:
    async def act(ctx: Context, pool: str, *, dedicated: int = 0, reason: str = "", account: str = "") -> Card:
        """Do it.

        :param pool: the pool's id
        :param dedicated: dedicated; as it is where it is left out
        :param reason: reason
        :param account: the account
        """
        raise AssertionError

    made = Registry()
    made.add(act, Mark(path, "viewer", (), 0, effect=effect, azure=True))  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("path", "title", "button"),
    [
        ("pool create", "Make a pool", "Make"),
        ("pool resize", "Resize a pool", "Resize"),
        ("pool set", "Change a pool", "Change"),
        ("application delete", "Delete an application", "Delete"),
        ("pool autoscale enable", "Enable autoscale", "Enable"),
        ("node reboot", "Reboot nodes", "Reboot"),
        ("pool stop-resize", "Stop the resize", "Stop"),
    ],
)
def test_the_title_of_a_form_is_words_and_its_button_is_the_verb(path: str, title: str, button: str) -> None:
    form = make_form(a_verb(path), path.split())
    assert (form.title, form.submit, form.intro) == (title, button, "Do it.")
    assert len(title) <= 24, "as much as Slack shows"


def test_a_hint_says_nothing_that_the_label_says() -> None:
    hints = {field.name: field.hint for field in make_form(a_verb("pool resize"), ["pool", "resize"]).fields}
    assert hints == {"pool": "", "dedicated": "As it is where it is left out", "reason": "", "account": ""}


def test_what_is_destroyed_is_not_changed_in_the_form_that_was_opened_for_it() -> None:
    made = a_verb("pool delete", "destroy")
    form = make_form(made, ["pool", "delete", "nightly", "account:prod"])
    assert form.danger
    assert [field.name for field in form.fields] == ["dedicated", "reason"]
    assert (form.command, form.intro) == ("pool delete nightly account:prod", "Do it.\nPool: nightly\nAccount: prod")
    assert make_form(made, words(form.command), {"reason": "old"}).command == form.command
    filled = with_values(made, words(form.command), {"pool": "another", "reason": "old"})
    assert filled == ["pool", "delete", "nightly", "reason:old", "account:prod"]
    assert next(field.name for field in make_form(made, ["pool", "delete"]).fields) == "pool"
