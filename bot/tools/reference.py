"""The reference page, made from the registry, the settings and the metrics; a test holds docs/reference.md to it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from bot.azure.price_settings import Reservation, SheetPrice
from bot.ops import health
from bot.requests.registry import Registry
from bot.settings import AccountSettings, EventsSettings
from bot.settings_file import LISTS, sections


def markdown(registry: Registry) -> str:
    """Every command, every setting and every metric as one Markdown page."""
    return "\n".join([*_commands(registry), *_settings(), *_metrics()]) + "\n"


def _commands(registry: Registry) -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Made by `batchbot reference`. In Slack a command follows `/batch` or a mention, in Teams it is a message."
    yield ""
    yield "## Commands"
    for noun, commands in registry.nouns().items():
        yield ""
        yield f"### {noun}"
        for command in commands:
            yield ""
            yield f"`{command.usage}`"
            yield ""
            yield f"{command.summary} {command.effect_sentence} Needs {command.needs_sentence}."
            if command.parameters:
                yield ""
            for parameter in command.parameters:
                if parameter.hidden:
                    continue
                choices = f" One of {', '.join(parameter.choices)}." if parameter.choices else ""
                default = f" {parameter.default} if left out." if parameter.default else ""
                yield f"- `{parameter.name}`: {parameter.help}.{choices}{default}"


def _settings() -> Iterator[str]:
    yield ""
    yield "## Settings"
    yield ""
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key, kind, default, meaning in settings_rows():
        yield f"| `{key}` | {kind} | {default} | {meaning} |"


def settings_rows() -> Iterator[tuple[str, str, str, str]]:
    """Every key of the settings file with its type, default and meaning as text."""
    structs: dict[str, type[Struct]] = {
        **sections(),
        "accounts.NAME": AccountSettings,
        "accounts.NAME.events": EventsSettings,
    }
    for section, struct in structs.items():
        meanings = _meanings(struct)
        for info in msgspec.structs.fields(struct):
            default = "required" if info.required else f"`{_default(info)}`"
            shown = f"[[{section}]].{info.name}" if section in LISTS else f"{section}.{info.name}"
            yield shown, _kind(get_type_hints(struct)[info.name]), default, meanings[info.name]


def _default(info: msgspec.structs.FieldInfo) -> str:
    value = info.default_factory() if info.default is msgspec.NODEFAULT else info.default
    return msgspec.json.encode(value).decode()


_KINDS: dict[object, str] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "`true` or `false`",
    list[str]: "list of texts",
    list[SheetPrice]: "list of tables",
    list[Reservation]: "list of tables",
    EventsSettings: "table",
}


def _kind(hint: object) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(hint))
    if get_origin(hint) is list and get_origin(get_args(hint)[0]) is Literal:
        return "list of " + ", ".join(f"`{choice}`" for choice in get_args(get_args(hint)[0]))
    if type(None) in get_args(hint):
        return _kind(get_args(hint)[0])
    return _KINDS.get(hint, str(hint))


def _meanings(struct: type[Struct]) -> dict[str, str]:
    """The string that follows each field in the source: its documentation."""
    body = ast.parse(inspect.getsource(struct)).body[0]
    found: dict[str, str] = {}
    last = ""
    for statement in getattr(body, "body", []):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                last = name
            case ast.Expr(value=ast.Constant(value=str(text))) if last:
                found[last] = " ".join(text.split())
                last = ""
    return found


def _metrics() -> Iterator[str]:
    yield ""
    yield "## Metrics"
    yield ""
    yield "`/metrics` at `bot.listen`, beside what Prometheus' client reports of the process. Keep it from the world."
    yield ""
    yield "| name | kind | by | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, measure in health.MEASURES.items():
        total = "_total" if measure.word == "counter" else ""
        yield f"| `{name}{total}` | {measure.word} | {', '.join(measure.labels)} | {measure.help} |"
