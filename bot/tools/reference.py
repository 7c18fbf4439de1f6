"""The reference page, made from the registry, the settings and the metrics; a test holds docs/reference.md to it."""

from __future__ import annotations

from collections.abc import Iterator

from bot import settings
from bot.ops import health
from bot.requests.registry import Registry


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
            yield f"{command.summary} {command.effect_told} Needs {command.needs_told}."
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
    for key, kind, default, meaning in settings.reference():
        yield f"| `{key}` | {kind} | {default} | {meaning} |"


def _metrics() -> Iterator[str]:
    yield ""
    yield "## Metrics"
    yield ""
    yield "`/metrics` at `bot.listen`, beside what Prometheus' client tells of the process. Keep it from the world."
    yield ""
    yield "| name | kind | by | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, measure in health.MEASURES.items():
        total = "_total" if measure.word == "counter" else ""
        yield f"| `{name}{total}` | {measure.word} | {', '.join(measure.labels)} | {measure.help} |"
