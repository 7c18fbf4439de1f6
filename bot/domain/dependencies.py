"""Which tasks of a job wait for which, rolled up until it can be drawn.

Tasks that depend on the same others share one *gate*: the graph is task → gate → task, so that ten thousand tasks that
wait for ten thousand others are twenty thousand edges and not a hundred million. Layers, circles and what follows from
what are networkx's.

A task whose parent failed is blocked for ever unless the parent's exit conditions say that it satisfies its dependents
("Task dependencies", learn.microsoft.com/azure/batch/batch-task-dependencies), and so is one whose parent does not
exist or that waits for itself in a circle.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import groupby
from typing import Literal

import networkx as nx
from msgspec import Struct

from bot.azure.models import Task
from bot.azure.models.task import Dependencies, ExitOptions

State = Literal["failed", "circle", "blocked", "waiting", "running", "done"]
STATES: tuple[State, ...] = ("failed", "circle", "blocked", "waiting", "running", "done")
"""Worst first. ``circle``: waits for itself; ``blocked``: waits for what will never be done."""

MOST_BOXES = 150
_WIDE, _HIGH = (6, 18), (12, 5)
"""Layers and boxes in one of them that can be drawn from left to right, and from top to bottom, on a square
sheet: Teams takes no picture that is higher than it may be wide."""
_ALONE = 12
"""Tasks up to which each has a box of its own; of more, those with the same story are one."""
_THICK = 12
"""Layers that are left when there are far too many of them."""
_MOST_EDGES = 200_000
_ROUNDS = (6, 2, 1)
_NUMBER = re.compile(r"0|[1-9]\d*")
_DIGITS = re.compile(r"\d+")


class Group(Struct):
    """Tasks that are alike, by id in the order of the list; how many are in which state; where they stand."""

    key: str
    layer: int
    ids: list[str]
    states: dict[State, int]

    @property
    def worst(self) -> State:
        """The state that matters most of those that stop others, else the most frequent one."""
        for state in ("failed", "circle", "blocked"):
            if self.states.get(state):
                return state
        return max(self.states, key=self.states.__getitem__)

    @property
    def label(self) -> str:
        """The id of one task; of several the first and the last, or what they are when they are of many kinds."""
        if len(self.ids) == 1:
            return self.ids[0]
        alike = len({stem(each) for each in self.ids}) == 1
        return f"{self.ids[0]} – {self.ids[-1]}" if alike else f"{self.ids[0]} and others"


class Link(Struct, frozen=True):
    """Tasks of ``target`` wait for tasks of ``source``; ``blocking`` where they wait for ever."""

    source: str
    target: str
    blocking: bool


class Graph(Struct, frozen=True):
    """The rolled-up graph. ``missing`` are ids that tasks wait for and that do not exist; ``cut`` where not all
    dependencies could be followed."""

    groups: list[Group]
    links: list[Link]
    states: dict[State, int]
    missing: list[str]
    circle: list[str]
    cut: bool

    @property
    def layers(self) -> int:
        """How many there are."""
        return 1 + max((group.layer for group in self.groups), default=-1)


class _Gate(Struct):
    """Tasks by number that others wait for together, and those others; ``absent`` where one of the first is missing."""

    before: list[int]
    after: list[int]
    absent: bool = False


def graph(tasks: Sequence[Task]) -> Graph:
    """Roll up the tasks of a job. Takes about a second for 10,000 tasks: not for the event loop."""
    gates, missing, cut = _gates(tasks)
    layers, circle = _layers(len(tasks), gates)
    states = _states(tasks, gates, circle)
    counted = {state: states.count(state) for state in STATES if state in states}
    groups, links = _rolled(_Net([task.id for task in tasks], states, layers, gates))
    return Graph(groups, links, counted, missing, [tasks[index].id for index in sorted(circle)], cut)


def blocks(task: Task) -> bool:
    """Whether a task that has failed keeps those that depend on it from ever starting."""
    run, conditions = task.execution_info, task.exit_conditions
    if run is None or run.result.lower() != "failure":
        return False
    options: ExitOptions | None = None
    if conditions:
        code = run.exit_code
        exact = [each.exit_options for each in conditions.exit_codes if each.code == code]
        if code is not None:
            exact += [each.exit_options for each in conditions.exit_code_ranges if each.start <= code <= each.end]
        if exact:
            options = exact[0]
        elif code is None:
            options = conditions.pre_processing_error or conditions.default
        elif code == 0:  # it succeeded, and then its output could not be uploaded
            options = conditions.file_upload_error or conditions.default
        else:
            options = conditions.default
    return options is None or options.dependency_action.lower() != "satisfy"


# Reading dependencies.


def _gates(tasks: Sequence[Task]) -> tuple[list[_Gate], list[str], bool]:
    """What waits for what; ids that do not exist; whether there was more than can be followed."""
    indexes = {task.id: index for index, task in enumerate(tasks)}
    numbered = sorted(
        (int(task.id), index) for task, index in zip(tasks, range(len(tasks)), strict=True) if _is_number(task.id)
    )
    waiting: dict[Dependencies, list[int]] = defaultdict(list)
    for index, task in enumerate(tasks):
        if task.depends_on and (task.depends_on.task_ids or task.depends_on.task_id_ranges):
            waiting[task.depends_on].append(index)
    gates: list[_Gate] = []
    missing: dict[str, None] = {}
    edges, cut = 0, False
    for wanted, after in waiting.items():
        gate = _Gate([], after)
        found: dict[int, None] = {}
        for name in wanted.task_ids:
            if name in indexes:
                found[indexes[name]] = None
            else:
                gate.absent, missing[name] = True, None
        for each in wanted.task_id_ranges:
            first = bisect_left(numbered, (each.start, -1))
            last = bisect_right(numbered, (each.end, len(tasks)))
            found |= dict.fromkeys(index for _, index in numbered[first:last])
            if last - first < each.end - each.start + 1:
                gate.absent = True
                missing[f"some of {each.start} to {each.end}"] = None
        if edges + len(found) > _MOST_EDGES:
            cut = True
            continue
        edges += len(found)
        gate.before = list(found)
        gates.append(gate)
    return gates, list(missing), cut


def _is_number(name: str) -> bool:
    """Whether ranges can mean this id: ``9``, and not ``09``. Ranges are 32-bit numbers."""
    return len(name) < 11 and _NUMBER.fullmatch(name) is not None


def _layers(count: int, gates: Sequence[_Gate]) -> tuple[list[int], set[int]]:
    """The layer of every task, and the tasks that wait for themselves; gates are nodes from ``count`` on."""
    net = nx.DiGraph()
    net.add_nodes_from(range(count))
    for number, gate in enumerate(gates, count):
        net.add_edges_from((index, number) for index in gate.before)
        net.add_edges_from((number, index) for index in gate.after)
    circle: set[int] = set()
    for part in list(nx.strongly_connected_components(net)):
        if len(part) > 1:
            circle |= {node for node in part if node < count}
            net.remove_edges_from([(a, b) for a in part for b in list(net[a]) if b in part])
    layers = [0] * count
    for depth, generation in enumerate(nx.topological_generations(net)):
        for node in generation:
            if node < count:
                layers[node] = (depth + 1) // 2  # every second generation is gates
    return layers, circle


def _states(tasks: Sequence[Task], gates: Sequence[_Gate], circle: set[int]) -> list[State]:
    """The state of every task, with what can never start kept apart from what only waits."""
    states: list[State] = [_plain(task) for task in tasks]
    stuck = [index for index, task in enumerate(tasks) if states[index] == "failed" and blocks(task)]
    for index in circle:
        if states[index] == "waiting":
            states[index] = "circle"
            stuck.append(index)
    shut: list[list[_Gate]] = [[] for _ in tasks]
    for gate in gates:
        for index in gate.before:
            shut[index].append(gate)
    closed = [gate for gate in gates if gate.absent]
    while stuck or closed:
        while stuck:
            closed += shut[stuck.pop()]
        while closed:
            for index in closed.pop().after:
                if states[index] == "waiting":
                    states[index] = "blocked"
                    stuck.append(index)
    return states


def _plain(task: Task) -> State:
    state, run = task.state.lower(), task.execution_info
    if run and run.result.lower() == "failure" and state == "completed":
        return "failed"
    return "done" if state == "completed" else "waiting" if state == "active" else "running"


# Rolling up.


class _Net(Struct):
    """Everything about tasks that grouping uses, by their number."""

    names: list[str]
    states: list[State]
    layers: list[int]
    gates: list[_Gate]


def _rolled(net: _Net) -> tuple[list[Group], list[Link]]:
    """The finest grouping that can be drawn.

    Tasks of one layer are alike when their ids are but for digits, their verdicts are, and so are those before and
    behind them, for as many steps as are compared: fewer steps, fewer groups. At the end layers are put together.
    """
    verdicts = [_ill(state) for state in net.states]
    stems = [stem(name) for name in net.names]
    base: list[Hashable] = list(zip(net.layers, verdicts, stems, strict=True))
    refined = _refined(net, base, max(_ROUNDS))
    attempts: list[list[Hashable]] = [list(range(len(net.names)))] if len(net.names) <= _ALONE else []
    attempts += [refined[rounds] for rounds in (*_ROUNDS, 0)]
    attempts.append(list(zip(net.layers, verdicts, strict=True)))
    for colours in attempts:
        groups, of = _grouped(net, colours, net.layers)
        if _fits(groups):
            return groups, _links(net, groups, of)
    thicker = _thicker(net, verdicts)
    thick = [thicker[layer] for layer in net.layers]
    groups, of = _grouped(net, list(zip(thick, verdicts, strict=True)), thick)
    return groups, _links(net, groups, of)


def _thicker(net: _Net, verdicts: Sequence[str]) -> list[int]:
    """For every layer the thicker one it becomes part of; where things begin to go wrong a new one begins."""
    states: list[set[str]] = [set() for _ in range(1 + max(net.layers))]
    for layer, state in zip(net.layers, verdicts, strict=True):
        states[layer].add(state)
    runs = [len(list(run)) for _, run in groupby(states)]
    spare = max(0, _THICK - len(runs))
    thicker: list[int] = []
    for run in runs:
        pieces = min(run, 1 + spare * run // len(states))
        first = thicker[-1] + 1 if thicker else 0
        thicker += [first + index * pieces // run for index in range(run)]
    if thicker[-1] < _HIGH[0]:
        return thicker
    return [layer * _HIGH[0] // len(states) for layer in range(len(states))]


def _refined(net: _Net, colours: list[Hashable], rounds: int) -> list[list[Hashable]]:
    """Colours after 0, 1, … steps of colour refinement: alike, and next to those that are alike."""
    found = [colours]
    for _ in range(rounds):
        above: list[Hashable] = [None] * len(colours)
        below: list[set[Hashable]] = [set() for _ in colours]
        for gate in net.gates:
            before = frozenset(colours[index] for index in gate.before)
            after = frozenset(colours[index] for index in gate.after)
            for index in gate.after:
                above[index] = before
            for index in gate.before:
                below[index] |= after
        known: dict[Hashable, int] = {}
        colours = [
            known.setdefault((own, up, frozenset(down)), len(known))
            for own, up, down in zip(colours, above, below, strict=True)
        ]
        found.append(colours)
    return found


def _grouped(net: _Net, colours: Sequence[Hashable], layers: Sequence[int]) -> tuple[list[Group], list[Group]]:
    """Groups, the ill ones first and the others in the order of the tasks; and the group of every task."""
    groups: dict[Hashable, Group] = {}
    of: list[Group] = []
    for name, state, colour, layer in zip(net.names, net.states, colours, layers, strict=True):
        group = groups.setdefault(colour, Group(str(len(groups)), layer, [], {}))
        group.ids.append(name)
        group.states[state] = group.states.get(state, 0) + 1
        of.append(group)
    return sorted(groups.values(), key=_rank), of


def _fits(groups: Sequence[Group]) -> bool:
    sizes: dict[int, int] = defaultdict(int)
    for group in groups:
        sizes[group.layer] += 1
    deep, wide = len(sizes), max(sizes.values(), default=0)
    shapes = deep <= _WIDE[0] and wide <= _WIDE[1], deep <= _HIGH[0] and wide <= _HIGH[1]
    return len(groups) <= MOST_BOXES and any(shapes)


def _links(net: _Net, groups: Sequence[Group], of: Sequence[Group]) -> list[Link]:
    """What waits for what among groups, without what follows from other links unless it blocks."""
    pairs = {
        (of[source].key, of[target].key)
        for gate in net.gates
        for source in {of[index].key: index for index in gate.before}.values()
        for target in {of[index].key: index for index in gate.after}.values()
        if of[source].layer < of[target].layer
    }
    known = {group.key: group for group in groups}
    found = nx.DiGraph(sorted(pairs))
    kept = set(nx.transitive_reduction(found).edges)
    blocking = {pair for pair in pairs if _stops(known[pair[0]]) and known[pair[1]].states.get("blocked")}
    return [Link(source, target, (source, target) in blocking) for source, target in sorted(kept | blocking)]


def _rank(group: Group) -> int:
    return STATES.index(group.worst) if _ill(group.worst) else len(STATES)


def _stops(group: Group) -> bool:
    return any(group.states.get(state) for state in ("failed", "blocked", "circle"))


def _ill(state: State) -> str:
    """What keeps tasks in groups of their own."""
    return state if state in ("failed", "blocked", "circle") else ""


def stem(name: str) -> str:
    """An id without its counters: ``frame-0021`` is ``frame-…``."""
    return _DIGITS.sub("…", name)
