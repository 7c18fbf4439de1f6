"""From what was typed to a filter, and from what was mistyped to advice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.filter.condition import Condition
from bot.filter.fields import ORDER, Entity, Field, Kind
from bot.filter.filter import Filter
from bot.filter.values import Moment, Pattern, Value, alternatives, amount, decimal, integer, span
from bot.requests.command import CommandError
from bot.requests.grammar import words
from cards.command_line import join

LONGEST = 1000
"""Letters of a filter: it has to fit on a button, beside its command."""
_MOST_CONDITIONS = 20
_MOST_VALUES = 50
_SHOWN = 60

_OPERATOR = "<>|!=|≠|>=|=>|≥|<=|=<|≤|==|[:=~<>]"
_SAME = {"=": ":", "==": ":", "<>": "!=", "≠": "!=", "=>": ">=", "≥": ">=", "=<": "<=", "≤": "<="}
_TOKEN = re.compile(rf"(?P<name>[^\W\d][\w-]*)\s*(?P<op>{_OPERATOR})(?P<value>.*)", re.S)
_OPENS = re.compile(rf"(?:{_OPERATOR})")
_AWAITS = re.compile(rf"[-!]?[^\W\d][\w-]*\s*(?:{_OPERATOR})\s*")
_DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_YES = {"yes": "yes", "true": "yes", "on": "yes", "no": "no", "false": "no", "off": "no"}
_EXPECTED = {
    Kind.NUMBER: "a whole number",
    Kind.DECIMAL: "a number such as 16 or 0.35",
    Kind.BYTES: "a number of bytes such as 1500, 20MB or 1.5GB",
    Kind.AGE: "a span of time such as 30s, 5m, 2h, 3d or 1w",
    Kind.SPAN: "a span of time such as 30s, 5m, 2h, 3d or 1w",
    Kind.TIME: "a moment such as 2026-11-20, 2026-11-20T14:00, 14:00, today, or 2h for the last two hours",
    Kind.FLAG: "yes or no",
}
_EXAMPLES = {
    Kind.STATE: ":{word}",
    Kind.NUMBER: ">0",
    Kind.DECIMAL: ">1",
    Kind.BYTES: ">1MB",
    Kind.AGE: ">2h",
    Kind.SPAN: ">10m",
    Kind.TIME: ":today",
    Kind.FLAG: ":yes",
}
_OPTIONS = ("page", "account", "sort")


def conditional(word: str, entity: Entity) -> bool:
    """Whether a word is plainly a condition on an entity, where it could be a name too: ``size>1MB``, ``*.png``.

    What begins with ``./`` is a name in any case.
    """
    if word.startswith("./"):
        return False
    found = _TOKEN.fullmatch(word.lstrip("-!"))
    return bool(found and entity.find(found["name"])) or word[:1] in ("-", "!") or bool(set("*?") & set(word))


def parse(
    typed: str | Sequence[str],
    entity: Entity,
    *,
    zone: str = "UTC",
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> Filter:
    """Read a filter: text as a person typed it, or its words.

    ``zone`` is the asker's. Raises CommandError that names the fields or values that exist; its ``nearest`` are whole
    commands: the words ``before``, the corrected filter, the words ``after``.
    """
    tokens = words(typed) if isinstance(typed, str) else list(typed)
    return _Reader(entity, zone, tuple(before), tuple(after)).read(tokens)


@dataclass(frozen=True)
class _Reader:
    entity: Entity
    zone: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def read(self, tokens: Sequence[str]) -> Filter:
        length = sum(map(len, tokens))
        if length > LONGEST:
            raise CommandError(
                f"That filter is {length:,} letters long; {LONGEST:,} are the most.", [self._command([], 0, ())]
            )
        parts = list(_joined([cleaned for token in tokens if (cleaned := _clean(token))]))
        if len(parts) > _MOST_CONDITIONS:
            raise CommandError(f"Those are {len(parts)} conditions; a filter has {_MOST_CONDITIONS} at most.")
        conditions = [self._condition(parts, index) for index in range(len(parts))]
        made = Filter(self.entity, tuple(dict.fromkeys(conditions)), self.zone)
        if len(str(made)) > LONGEST:
            raise CommandError(f"That filter is too long once it is written out; {LONGEST:,} letters are the most.")
        return made

    def _condition(self, parts: list[str], index: int) -> Condition:
        part = parts[index]
        negated = part[0] in "-!" and len(part) > 1
        bare = part[1:] if negated else part
        found = _TOKEN.fullmatch(bare)
        if not found:
            return self._word(parts, index, bare, negated)
        field = self.entity.find(found["name"])
        if field is None:
            raise self._no_field(parts, index, found["name"], bare, negated)
        op = _SAME.get(found["op"], found["op"])
        raw = found["value"].strip()
        if not raw:
            raise CommandError(
                f"“{_short(bare)}” says no value: {self._expected(field)}.",
                [self._command(parts, index, [fixed]) for fixed in _examples(field)],
                settled=True,
            )
        return self._made(parts, index, field, op, raw, negated)

    def _made(self, parts: list[str], index: int, field: Field, op: str, raw: str, negated: bool) -> Condition:
        if field.kind is Kind.FLAG:
            return self._flag(parts, index, field, op, raw, negated)
        if op not in field.allowed:
            likely = [f"{field.name}{other}{raw}" for other in (":", ">", "<") if other in field.allowed]
            listed = " ".join(sorted(field.allowed))
            raise CommandError(
                f"“{field.name}” does not take “{op}”; it takes {listed} and {self._expected(field)}.",
                [self._command(parts, index, [fixed]) for fixed in likely],
                settled=True,
            )
        values = alternatives(raw)
        if len(values) > (1 if op in ORDER else _MOST_VALUES) or not values:
            most = "one value" if op in ORDER else f"{_MOST_VALUES} values at most"
            raise CommandError(f"“{field.name}{op}” takes {most}, this has {len(values)}.")
        made = tuple(dict.fromkeys(self._value(parts, index, field, op, value, raw) for value in values))
        return Condition(field, op, made, negated)

    def _value(self, parts: list[str], index: int, field: Field, op: str, text: str, raw: str) -> Value:
        value: Value | None
        match field.kind:
            case Kind.STATE:
                return self._state(parts, index, field, text, raw)
            case Kind.TEXT:
                value = Pattern.read(text)
                if op in ORDER and value.literal is None:
                    raise CommandError(f"“{field.name}{op}” takes plain text: * and ? stand after a colon.")
                return value
            case Kind.NUMBER:
                value = integer(text)
            case Kind.DECIMAL:
                value = decimal(text)
            case Kind.BYTES:
                value = amount(text)
            case Kind.TIME:
                value = Moment.read(text)
                if value and value.ago is not None and op != ":":
                    raise CommandError(
                        f"“{field.name}{op}{_short(text)}” could be read two ways: say {field.name}:{value} for the "
                        f"last {value}, or compare with a day or a time of day.",
                        [self._command(parts, index, [f"{field.name}:{value}"])],
                        settled=True,
                    )
            case _:
                value = span(text.lower())
        if value is None:
            raise CommandError(
                f"“{_short(text)}” is not what “{field.name}” takes: {_EXPECTED[field.kind]}.",
                [self._command(parts, index, [fixed]) for fixed in _examples(field)],
                settled=True,
            )
        return value

    def _state(self, parts: list[str], index: int, field: Field, text: str, raw: str) -> str:
        plain = _squeezed(text)
        if plain in field.words:
            return plain
        near = process.extractOne(plain, list(field.words), scorer=fuzz.ratio, score_cutoff=50)
        nearest = []
        if near:
            op = ":" if f"{field.name}!=" not in parts[index] else "!="
            sign = "-" if parts[index][0] in "-!" else ""
            nearest = [self._command(parts, index, [f"{sign}{field.name}{op}{raw.replace(text, near[0])}"])]
        raise CommandError(
            f"“{_short(text)}” is no {field.title} of {self.entity.one}. There are: {', '.join(field.words)}.",
            nearest,
            settled=True,
        )

    def _flag(self, parts: list[str], index: int, field: Field, op: str, raw: str, negated: bool) -> Condition:
        """``spot:yes``, and ``failed>0`` where failed is a matter of yes or no."""
        said = _YES.get(raw.lower())
        if said is None and (number := integer(raw)) in (0, 1):
            fits = [flag for flag in (0, 1) if _compares(flag, op, number)]
            said = {"1": "yes", "0": "no"}.get("".join(map(str, fits)))
            op = ":"
        if said is None or op not in (":", "!="):
            fixed = [f"{field.name}:yes", f"{field.name}:no"]
            raise CommandError(
                f"“{field.name}” of {self.entity.one} is yes or no.",
                [self._command(parts, index, [f]) for f in fixed],
                settled=True,
            )
        turned = negated != (op == "!=")
        return Condition(field, ":", ({"yes": "no", "no": "yes"}[said] if turned else said,))

    def _word(self, parts: list[str], index: int, bare: str, negated: bool) -> Condition:
        """A word of its own: a state, a flag, or what the name contains."""
        low = bare.lower()
        states = self.entity.find("state")
        field = self.entity.find(low) if low.isalpha() else None
        flag = field if field and field.kind is Kind.FLAG else None
        # Of what the service does not filter a flag comes first: where a release task failed, too, a node has failed.
        if states and _squeezed(bare) in states.words and (flag is None or flag.words["yes"].yes):
            return Condition(states, ":", (_squeezed(bare),), negated)
        if flag:
            return Condition(flag, ":", ("no" if negated else "yes",))
        named = self.entity.find(self.entity.named)
        if named is None:
            raise ValueError(f"a {self.entity.name} has no field {self.entity.named}")
        pattern = Pattern.read(bare.strip())
        if low == "or":
            raise CommandError(
                "There is no “or”: give alternatives by comma, such as state:active,disabled. "
                "Conditions side by side all have to hold."
            )
        if field and field.name == low:
            raise CommandError(
                f"“{low}” is a field and needs a value: {self._expected(field)}.",
                [self._command(parts, index, [fixed]) for fixed in (*_examples(field), f"{named.name}~{bare}")],
                settled=True,
            )
        if _OPENS.match(bare):
            raise CommandError(
                f"“{_short(bare)}” lacks a field before it. "
                f"Fields of {self.entity.one} are: {', '.join(self.entity.names)}."
            )
        if pattern.literal is None:
            return Condition(named, ":", (pattern,), negated)
        return Condition(named, "~", (pattern,), negated)

    def _no_field(self, parts: list[str], index: int, name: str, bare: str, negated: bool) -> CommandError:
        sign, rest = "-" if negated else "", bare[len(name) :]
        known = [*self.entity.names, *_OPTIONS]
        near = process.extract(name.lower(), known, scorer=fuzz.WRatio, limit=2, score_cutoff=65)
        fixed = [f"{sign}{found}{rest}" for found, _, _ in near]
        named = self.entity.named
        fixed.append(f"{sign}{named}:{Pattern((bare,))}")  # an id with a colon in it
        return CommandError(
            f"There is no field “{_short(name)}” to filter {self.entity.plural} by. There are: "
            f"{', '.join(self.entity.names)}.",
            [self._command(parts, index, [each]) for each in fixed],
            settled=True,
        )

    def _expected(self, field: Field) -> str:
        if field.kind is Kind.STATE:
            return f"one of {', '.join(field.words)}"
        return _EXPECTED.get(field.kind, "text, with * and ? for what may differ")

    def _command(self, parts: Sequence[str], index: int, instead: Sequence[str]) -> str:
        """The whole command with one part of the filter replaced."""
        return join([*self.before, *parts[:index], *instead, *parts[index + 1 :], *self.after])


def _compares(left: int, op: str, right: int) -> bool:
    match op:
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case "!=":
            return left != right
        case _:
            return left == right


def _joined(tokens: list[str]) -> Iterator[str]:
    """Conditions that were typed with blanks: ``failed > 0``, ``state: active``, ``--state active``, ``not x``."""
    pending = list(reversed(tokens))
    while pending:
        token = pending.pop()
        if token.lower() == "and":
            continue
        if token.lower() == "not" and pending:
            following = pending.pop()
            token = following[1:] if following[0] in "-!" and len(following) > 1 else f"-{following}"
        if token.startswith("--"):
            token = token.lstrip("-") or "-"
            if pending and not _OPENS.search(token):
                token = f"{token}:{pending.pop()}"
        if pending and not _OPENS.search(token) and _OPENS.match(pending[-1]):
            token += pending.pop()
        if pending and _AWAITS.fullmatch(token):
            token += pending.pop()
        yield token


def _clean(token: str) -> str:
    """Without control characters, unpaired surrogates and marks of direction, which no name has and nobody sees."""
    return "".join(
        char for char in token if char not in _DIRECTIONS and unicodedata.category(char) not in ("Cc", "Cs")
    ).strip()


def _squeezed(text: str) -> str:
    return re.sub(r"[\s_-]", "", text.lower())


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _examples(field: Field) -> list[str]:
    """A condition that the field would take; none where only the asker knows the text."""
    example = _EXAMPLES.get(field.kind)
    return [field.name + example.format(word=next(iter(field.words), ""))] if example else []
