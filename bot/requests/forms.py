"""Forms: made from a command's signature, and checked while they are open.

Every command has a form. A *live* one knows more than its signature: a handler module offers, beside the command,

    @form_of("alert mute", Field("pattern", "What", refresh=True), Field("for", "How long"))
    async def mute_form(ctx: Context, values: Mapping[str, str]) -> FormChanges: ...

It is called when the form opens, again whenever a field with ``refresh`` changes, and a last time before what was
filled in is taken. It says what the fields offer, what is wrong with a value, and what stands at the foot: a price,
whether a name is free. Whatever becomes of it, the form works: where it fails or takes too long, the form says so and
goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.azure.errors import AzureError
from bot.chat.typed import LONGEST
from bot.requests.command import Call, Command, CommandError, Instead, Parameter
from bot.requests.form_errors import said, told_place
from bot.requests.form_words import button_of, label_of, title_of
from bot.requests.grammar import NAMES_FOLLOW, words
from bot.requests.registry import LIVE_FORM, Registry
from cards.build import text
from cards.card import Field, FieldKind, Form, Mark, Note, Option, plain
from cards.command_line import Exact, join
from cards.form_values import out_of_bounds
from cards.formatting import sentence

if TYPE_CHECKING:
    from bot.requests.context import Context

log = structlog.get_logger()

Values: TypeAlias = Mapping[str, str]
"""What is filled in, by the field's name; what is empty is left out."""

OPENING, CHECKING = 1.5, 6.0
"""Seconds for a check before a form opens (Slack's trigger lives three), and while it is open (Teams waits ten)."""


class FormChanges(Struct, frozen=True):
    """What a live form has to say, by the fields' names.

    ``prefill`` is put where nobody has filled in anything when the form opens, which is checked again with it then;
    ``values`` take the place of what is there.
    ``options`` are what a choice offers now, ``errors`` keep the form from being taken, ``defaults`` say what holds
    where nothing is filled in. ``notes`` stand at the foot. ``submit`` is another word for the button.
    """

    prefill: Values = {}
    values: Values = {}
    options: Mapping[str, tuple[Option, ...]] = {}
    errors: Mapping[str, str] = {}
    hints: Mapping[str, str] = {}
    defaults: Mapping[str, str] = {}
    notes: tuple[Note, ...] = ()
    submit: str = ""


Check: TypeAlias = Callable[["Context", Values], Awaitable[FormChanges]]
Gather: TypeAlias = Callable[[Values], Values]
C = TypeVar("C", bound=Check)

_PAGE = "page"
"""The parameter that no form asks: a list that is asked anew begins at its first page."""


@dataclass(frozen=True)
class LiveForm:
    """How the form of the command ``path`` is laid out and checked.

    ``fields`` come first and in this order; those named after a parameter ask for it in their own way, the others need
    ``gather``, which makes the command's parameters of what was filled in. ``without`` are parameters not asked for:
    what is typed for one of them stays in the form's command, and is given to ``check`` and to the command.

    ``redraws`` is a parameter: a form that is opened with a value for it, as by a button of the command's own card,
    has its answer take the place of that card. ``scatter`` is the reverse of ``gather``, for what was typed already.
    """

    path: str
    fields: tuple[Field, ...]
    check: Check
    gather: Gather | None
    without: tuple[str, ...]
    redraws: str = ""
    scatter: Gather | None = None


def form_of(
    path: str,
    *fields: Field,
    gather: Gather | None = None,
    without: Sequence[str] = (),
    redraws: str = "",
    scatter: Gather | None = None,
) -> Callable[[C], C]:
    """Mark an async function as what checks the form of the command ``path``; see :class:`LiveForm`."""

    def marked(check: C) -> C:
        setattr(check, LIVE_FORM, LiveForm(path, fields, check, gather, tuple(without), redraws, scatter))
        return check

    return marked


def live_form(registry: Registry, path: str) -> LiveForm | None:
    """The live form of a command; None where its signature says all."""
    found = registry.live_forms.get(path)
    return found if isinstance(found, LiveForm) else None


def file_fields(registry: Registry, call: Call) -> list[str]:
    """The parameters of a command that take what is attached or pasted."""
    live = live_form(registry, call.command.path)
    return [field.name for field in (live.fields if live else ()) if field.kind == "file"]


def gathered(registry: Registry, call: Call, values: Values) -> Values:
    """What was filled in, as the command's parameters."""
    live = live_form(registry, call.command.path)
    return live.gather(values) if values and live and live.gather else values


def make_form(registry: Registry, tokens: Sequence[str], values: Values | None = None) -> Form:
    """The form of a command. Raises CommandError.

    Words after its path fill the fields, or, where it is open already, ``values`` do: whatever is not among them was
    left empty.
    """
    known = registry.command(tokens)
    live = live_form(registry, known.path)
    filled = filled_in(known, list(tokens[len(known.path.split()) :]))
    if live and live.scatter:
        filled = dict(live.scatter(filled))
    settled = _settled(known, filled)
    shown = {each.name: each for each in known.parameters if not each.hidden}
    own = {field.name: field for field in (live.fields if live else ()) if field.name not in settled}
    aside = {*settled, *(live.without if live else ()), _PAGE}
    rest = sorted((name for name in shown if name not in own and name not in aside), key=lambda n: _place(shown[n]))
    fields = [_with_parameter(field, shown.get(name)) for name, field in own.items()]
    fields += [_field(shown[name]) for name in rest]
    if values is None:
        several = {each.name for each in known.parameters if each.many}
        fields = [_typed(field, filled, conditions=field.name in several) for field in fields]
    else:
        asked = [field for field in fields if not field.more or field.name in values]
        kept = {field.name: values.get(field.name, "") for field in asked}
        fields = [replace(field, value=kept.get(field.name, field.value)) for field in fields]
    unasked = [each for each in known.parameters if each.name in aside - {_PAGE} and each.name in filled]
    names = registry.naming(known.path, [filled[each.name] for each in unasked if each.positional])
    options = [_option(each, filled[each.name]) for each in unasked if not each.positional]
    command = join([*known.path.split(), *names, *options])
    return Form(
        title_of(known),
        command,
        tuple(fields),
        "\n".join([known.intro, *(f"{name.capitalize()}: {value}" for name, value in settled.items())]),
        submit=button_of(known),
        how="edit" if live and live.redraws and live.redraws in filled else "post",
        live=live is not None and any(field.refresh for field in live.fields),
        danger=known.effect == "destroy",
    )


def _settled(known: Command, filled: Values) -> dict[str, str]:
    """What a form that destroys something was opened for, which is not to be changed in it; empty for others."""
    if known.effect != "destroy":
        return {}
    named = [each for each in known.parameters if each.names and not each.many]
    names = [each.name for each in named if each.positional or each.names == "account"]
    return {name: filled[name] for name in names if name in filled}


def _option(parameter: Parameter, value: str) -> str:
    """The word of a command that gives an option its value."""
    return parameter.name if parameter.kind == "flag" else f"{parameter.name}:{value}"


def _typed(field: Field, filled: Values, *, conditions: bool = False) -> Field:
    """The field with what was typed for it; the words of a command are one choice each, and the ``conditions`` of a
    filter stand there without the quotes that they do not need.
    """
    value = filled.get(field.name)
    if value is None:
        return field
    if field.kind == "choices":
        return replace(field, value=",".join(words(value)))
    if conditions and words(spaced := " ".join(words(value))) == words(value):
        return replace(field, value=spaced)
    alone = words(value) if field.lines else []
    return replace(field, value=alone[0] if len(alone) == 1 else value)  # a text of lines, without its quotes


def _with_parameter(field: Field, parameter: Parameter | None) -> Field:
    """A field that a live form lays out, with what only the signature knows."""
    if parameter is None:
        return field
    options = field.options or tuple(Option(choice, choice) for choice in parameter.choices)
    return replace(
        field,
        hint=sentence(field.hint) or _hint(field.label, parameter.help),
        value=field.value or parameter.default,
        required=field.required or parameter.required,
        names=field.names or parameter.names,
        options=options,
    )


def _place(parameter: Parameter) -> int:
    """Where the field stands: what is needed, what is chosen from a list, words of a filter, and then the rest."""
    if parameter.required:
        return 0
    if parameter.names == "account":
        return 4
    return 2 if parameter.many else 1 if parameter.choices and parameter.name != "sort" else 3


def _field(parameter: Parameter) -> Field:
    label = label_of(parameter.name)
    return Field(
        name=parameter.name,
        label=label,
        kind=_kind(parameter),
        names=parameter.names,
        hint=_hint(label, parameter.help),
        value=parameter.default,
        options=tuple(Option(choice, choice) for choice in parameter.choices),
        required=parameter.required,
    )


def _hint(label: str, help_: str) -> str:
    """What the help of a parameter says beyond the field's label."""
    named, words = label.lower(), help_.lower()
    if words in (named, f"the {named}", f"the {named}'s id"):
        return ""
    rest = help_[len(label) :] if words.startswith((f"{named}; ", f"{named}: ")) else ""
    return sentence(rest[2:] or help_)


def _kind(parameter: Parameter) -> FieldKind:
    match parameter.kind:
        case "number":
            return "number"
        case "flag":
            return "flag"
    return "choice" if parameter.choices else "name" if parameter.names else "text"


async def checked(registry: Registry, form: Form, ctx: Context, *, opening: bool, seconds: float) -> Form:
    """The form with what its check says; itself where it has none. Never raises, and never takes longer."""
    known = registry.command(tokens := words(form.command))
    live = live_form(registry, known.path)
    if live is None:
        return form
    form = replace(form, zone=ctx.zone)
    before = {each.name: each.default for each in known.parameters}
    kept = filled_in(known, tokens[len(known.path.split()) :])
    if wrong := _unfit(form):
        return _changed(form, FormChanges(errors=wrong), before, opening=opening)
    try:
        async with asyncio.timeout(seconds):
            changes = await live.check(ctx, {**kept, **_values(form)})
            filled = _prefilled(form, changes.prefill, before) if opening else form
            if filled != form:
                form = filled
                changes = await live.check(ctx, {**kept, **_values(form)})
    except TimeoutError:
        log.warning("form.late", command=known.path, seconds=seconds)
        changes = _unchecked("This could not be checked in time; it is checked again when something changes.")
    except CommandError as error:
        at = told_place(form, error.at, error.message)
        changes = FormChanges(errors={at: said(error, form)}) if at else _unchecked(error.message)
    except Instead as error:
        changes = _unchecked(plain(error.card.title))
    except AzureError as error:
        log.warning("form.azure_refused", command=known.path, code=error.code, request_id=error.request_id)
        changes = _unchecked(f"Azure answered {error.code}: {error.message}")
    except Exception:
        log.exception("form.check_failed", command=known.path)
        changes = _unchecked("This could not be checked; the log has the cause.")
    return _changed(form, changes, before, opening=opening)


def _unfit(form: Form) -> dict[str, str]:
    """What is wrong with values by themselves: a form is not checked with what is too long, or no number."""
    pasted = {field.pasted_in or field.name for field in form.fields if field.kind == "file"}  # kept as a file
    typed = [field for field in form.fields if field.kind != "file" and field.name not in pasted]
    wrong = {field.name: words for field in typed if (words := out_of_bounds(field))}
    if typed and (total := sum(len(field.value) for field in typed)) > LONGEST:
        longest = max(typed, key=lambda field: len(field.value))
        wrong[longest.name] = f"That is {total:,} characters in all; a form has {LONGEST:,} at most."
    return wrong


def _values(form: Form) -> dict[str, str]:
    return {field.name: field.value for field in form.fields if field.value}


def _prefilled(form: Form, prefill: Values, before: Values) -> Form:
    """``before`` is what the fields hold where nobody has filled in anything."""
    fields = (
        replace(field, value=prefill.get(field.name, field.value))
        if field.value == before.get(field.name, "")
        else field
        for field in form.fields
    )
    return replace(form, fields=tuple(fields))


def _unchecked(why: str) -> FormChanges:
    return FormChanges(notes=(Note(text(why), Mark.WARNING),))


def _changed(form: Form, changes: FormChanges, before: Values, *, opening: bool) -> Form:
    fields = []
    for field in form.fields:
        name, value = field.name, changes.values.get(field.name, field.value)
        error = changes.errors.get(name, "")
        if not error and not opening and field.required and not value:
            error = f"{field.label} is needed."
        fields.append(
            replace(
                field,
                value=value,
                reset=value != field.value and not opening,
                error=error,
                options=changes.options.get(name, field.options),
                hint=sentence(changes.hints.get(name, field.hint)),
                default=changes.defaults.get(name, field.default),
            )
        )
    there = {field.name for field in fields}
    elsewhere = [Note(text(words), Mark.WARNING) for name, words in changes.errors.items() if name not in there]
    opened = any(each.more and (each.error or each.value != before.get(each.name, "")) for each in fields)
    return replace(
        form,
        fields=tuple(fields),
        notes=(*form.notes, *elsewhere, *changes.notes),
        submit=changes.submit or form.submit,
        opened=form.opened or opened,
    )


def with_values(registry: Registry, tokens: Sequence[str], values: Values) -> list[str]:
    """The words of a command once a form's values are filled in; empty values are left out. Raises CommandError."""
    known = registry.command(tokens)
    live = live_form(registry, known.path)
    if live and live.gather:
        values = live.gather(values)
    typed = filled_in(known, list(tokens[len(known.path.split()) :]))
    kept = {name: typed[name] for name in (live.without if live else ()) if name in typed}
    values = {**values, **_settled(known, typed)} | {name: value for name, value in kept.items() if name not in values}
    positional, options = [], []
    for parameter in known.parameters:
        value = values.get(parameter.name, "").strip()
        if not value or (parameter.kind == "flag" and value.lower() in ("false", "no", "0")):
            continue
        if parameter.many:
            positional += words(value)
        elif parameter.positional:
            positional = registry.naming(known.path, [*positional, value])
        elif parameter.kind == "flag":
            options.append(f"--{parameter.name}")
        else:
            options.append(f"{parameter.name}:{value}")
    return [*known.path.split(), *positional, *options]


def filled_in(known: Command, tokens: list[str]) -> dict[str, str]:
    """Which parameter each typed word fills, as far as that is plain."""
    values: dict[str, str] = {}
    options = {parameter.name: parameter for parameter in known.parameters if not parameter.positional}
    positions = iter([parameter for parameter in known.parameters if parameter.positional])
    rest: list[str] = []
    position: Parameter | None = None
    named_so = False
    for token in tokens:
        name, found, value = token.partition(":")
        exact = named_so or isinstance(token, Exact)
        option = options.get(name)
        if token == NAMES_FOLLOW and not exact:
            named_so = True
        elif (flag := options.get(token.lower())) and flag.kind == "flag" and not exact:
            values[flag.name] = "true"
        elif option and not exact and found and (value in option.choices or not option.choices):
            values[name] = value
        elif (position := position if position and position.many else next(positions, None)) is not None:
            rest = [*rest, token] if position.many else []
            values[position.name] = join(rest) if position.many else str(token)
    return values
