"""The functions of the formula language, by name. Lists of numbers and vectors are joined before they are called."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

Vector: TypeAlias = tuple[float, ...]


def _percentile(sample: Sequence[float], wanted: float) -> float:
    """The element of that rank (nearest rank), not a value between two."""
    return sorted(sample)[max(0, math.ceil(wanted / 100 * len(sample)) - 1)]


def _element(vector: Sequence[float], index: float) -> float:
    if not 0 <= index < len(vector):
        raise IndexError(index)
    return vector[int(index)]


def _round(number: float) -> float:
    """Halves go away from zero."""
    return math.copysign(math.floor(abs(number) + 0.5), number)


OF_VECTORS: Final[Mapping[str, Callable[[Vector], float]]] = {
    "avg": statistics.fmean,
    "len": lambda vector: float(len(vector)),
    "max": max,
    "min": min,
    "norm": lambda vector: math.hypot(*vector),
    "range": lambda vector: max(vector) - min(vector),
    "std": statistics.stdev,
    "sum": math.fsum,
}
"""Functions of any numbers and vectors, which give a number."""

OF_EACH: Final[Mapping[str, Callable[[float], float]]] = {
    "ceil": lambda number: float(math.ceil(number)),
    "floor": lambda number: float(math.floor(number)),
    "lg": math.log2,
    "ln": math.log,
    "log": math.log10,
    "round": _round,
}
"""Functions of a number, which give a number; of vectors they give the vector of each element's."""

WITH_A_NUMBER: Final[Mapping[str, Callable[[Vector, float], float]]] = {
    "percentile": _percentile,
    "val": _element,
}
"""Functions of a vector and a number."""

OTHERS: Final = frozenset({"rand", "stop", "time", "vec"})
FUNCTIONS: Final = frozenset({*OF_VECTORS, *OF_EACH, *WITH_A_NUMBER, *OTHERS})
"""Every function there is."""
