"""How long processes waited for a processor that others had: a busy machine is no fault of the program's."""

from __future__ import annotations

from pathlib import Path

_NANO = 1e-9


class Waited:
    """Remembers how long each has waited so far. Where the system does not tell (Linux does), none has."""

    def __init__(self) -> None:
        self._known: dict[str | int, float] = {}

    def since(self, *processes: str | int | None) -> float:
        """Seconds that the one of these waited that waited most, since they were asked for last; a new one: so far."""
        return max([self._more(each) for each in processes if each is not None], default=0.0)

    def _more(self, process: str | int) -> float:
        try:
            waited = int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[1]) * _NANO
        except (OSError, ValueError, IndexError):
            return 0.0
        before = self._known.get(process, 0.0 if isinstance(process, int) else waited)
        self._known[process] = waited
        return max(0.0, waited - before)
