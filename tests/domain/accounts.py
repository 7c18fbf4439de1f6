"""Any account, as the service would send it, and a Batch account that answers with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_args
from urllib.parse import unquote

import msgspec
from hypothesis import strategies as st

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.answers import Fetched, Page
from bot.azure.credentials import Credentials
from bot.azure.errors import AzureError
from bot.azure.models import AccountProperties, BatchAccountResource, FamilyQuota, VmSize
from bot.azure.models.price import Prices
from bot.domain.states import NODES, JobState, NodeState, ScheduleState
from bot.settings import AccountSettings

T = TypeVar("T")
AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
KEY = "c2VjcmV0LWtleS1vZi10aGUtdGVzdC1hY2NvdW50"
SETTINGS = AccountSettings(
    "https://a.westeurope.batch.azure.com", "sub", "group", account="a", credential="shared_key", key_env="KEY"
)
SIZES = {
    "standard_d4s_v3": VmSize("Standard_D4s_v3", "standardDSv3Family", 4, 16.0, 0, True, None),
    "standard_nc6s_v3": VmSize("Standard_NC6s_v3", "standardNCSv3Family", 6, 112.0, 1, True, None),
    "standard_e2_v4": VmSize("Standard_E2_v4", "standardEv4Family", 0, 16.0, 0, True, None),
}
"""Sizes that Resource Manager tells; of the last one it does not tell the cores."""
PRICES = Prices(
    {
        ("standard_d4s_v3", False, "on demand"): 0.2,
        ("standard_d4s_v3", False, "spot"): 0.04,
        ("standard_d4s_v3", True, "on demand"): 0.384,
        ("standard_nc6s_v3", False, "on demand"): 3.06,
        ("standard_nc6s_v3", False, "low priority"): 0.6,
        ("standard_e2_v4", False, "on demand"): 0.13,
    },
    "USD",
    AT,
)


@dataclass
class Told:
    """What the service tells of an account, as JSON would be decoded. Nodes are by pool, task counts by job."""

    pools: list[dict[str, Any]]
    nodes: dict[str, list[dict[str, Any]]]
    counts: list[dict[str, Any]]
    jobs: list[dict[str, Any]]
    tasks: dict[str, dict[str, int]]
    schedules: list[dict[str, Any]]
    properties: AccountProperties = field(default_factory=AccountProperties)


class AnyAccount(Account):
    """A Batch account that answers with what a test says, by the clock of :data:`AT`."""

    def __init__(self, told: Told) -> None:
        super().__init__("a", SETTINGS, Credentials({"KEY": KEY}))
        self.told = told

    def now(self) -> datetime:
        return AT

    async def pages(self, kind: type[T], path: str, **asked: Any) -> AsyncIterator[Page[T]]:
        rows = [row for row in self._rows(path) if _fits(row, asked.get("filter", ""))]
        chosen = set(filter(None, asked.get("select", "").split(",")))
        told = [{name: row[name] for name in row if not chosen or name in chosen} for row in rows]
        yield Page(msgspec.convert(told, list[kind]), None, AT)  # type: ignore[valid-type]

    async def fetch(self, kind: type[T], path: str, **asked: Any) -> Fetched[T]:
        *above, name = path.split("/")
        if name == "taskcounts":
            counted = {"taskCounts": _of(self.told.tasks, unquote(above[-1]))}
            return Fetched(msgspec.convert(counted, kind), msgspec.json.encode(counted), AT, "")
        for row in self._rows("/".join(above)):
            if row["id"].lower() == unquote(name).lower():
                return Fetched(msgspec.convert(row, kind), b"", AT, "")
        raise AzureError("NotFound", "it does not exist", status=404)

    async def resource(self) -> Fetched[BatchAccountResource]:
        return Fetched(BatchAccountResource(name="a", properties=self.told.properties), b"", AT, "")

    async def vm_sizes(self) -> dict[str, VmSize]:
        return SIZES

    async def prices(self) -> Prices:
        return PRICES

    async def images(self) -> list[Any]:
        return []

    def _rows(self, path: str) -> list[dict[str, Any]]:
        match path.strip("/").split("/"):
            case ["pools"]:
                return self.told.pools
            case ["pools", pool, "nodes"]:
                return _of(self.told.nodes, unquote(pool))
            case ["nodecounts"]:
                return self.told.counts
            case ["jobs"]:
                return self.told.jobs
            case ["jobschedules"]:
                return self.told.schedules
        return []


class OneAccount(Accounts):
    """The accounts of a bot that has but that one."""

    def __init__(self, account: Account) -> None:
        super().__init__({})
        self._only = account

    @property
    def names(self) -> list[str]:
        return [self._only.name]

    def get(self, name: str | None = None) -> Account:
        return self._only

    def __iter__(self) -> Iterator[Account]:
        return iter([self._only])

    def __len__(self) -> int:
        return 1


def _of(by_id: dict[str, T], name: str) -> T:
    """By an id in any case, as the service finds things."""
    return next(value for known, value in by_id.items() if known.lower() == name.lower())


def _fits(row: dict[str, Any], wanted: str) -> bool:
    """The few filters that are asked with: states joined by ``or``; what changed since long ago is everything.

    What ended since then is all that is over.
    """
    wanted = wanted.partition(" and executionInfo/endTime ge")[0]
    if not wanted or "stateTransitionTime" in wanted:
        return True
    state = row["state"].lower()
    return any(_holds(state, *each.strip("() ").split(" ")) for each in wanted.split(" or "))


def _holds(state: str, column: str, verb: str, value: str) -> bool:
    assert column == "state", f"a filter on {column} was not expected"
    assert verb in ("eq", "ne")
    return (state == value.strip("'").lower()) is (verb == "eq")


# Strategies.


def _cases(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from((word, word.lower(), word.upper()))


def _ago(hours: float) -> str:
    return (AT - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


_ERRORS = st.sampled_from(("AllocationFailed", "AccountCoreQuotaReached", "ResizeStopped", "resizestopped"))
_SIZES = st.sampled_from(("Standard_D4s_v3", "standard_nc6s_v3", "STANDARD_E2_V4", "standard_d8s_v5", "standard_d3_v2"))
"""Known ones, two whose cores only their name tells, and one of which nobody tells them."""
_MACHINES = st.sampled_from(
    (
        {"nodeAgentSKUId": "batch.node.ubuntu 22.04"},
        {"nodeAgentSKUId": "batch.node.windows amd64"},
        {"nodeAgentSKUId": "batch.node.windows amd64", "licenseType": "Windows_Server"},
    )
)
_STEADY = st.sampled_from(("steady", "steady", "Steady", "resizing", "stopping"))


@st.composite
def _pools(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A pool and its nodes. It tells as many as it has, whatever their state."""
    nodes = [
        {
            "id": f"tvm-{number}",
            "state": draw(_cases(state)),
            "stateTransitionTime": _ago(2),
            "isDedicated": dedicated,
            "schedulingState": "enabled",
        }
        for number, (state, dedicated) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(get_args(NodeState)), st.booleans()), max_size=6))
        )
    ]
    dedicated = sum(node["isDedicated"] for node in nodes)
    spot = len(nodes) - dedicated
    more = st.sampled_from((0, 0, 2))
    failed = {"error": {"code": draw(st.sampled_from(("BadFormula", ""))), "message": "it cannot be evaluated"}}
    pool = {
        "id": name,
        "state": draw(st.sampled_from(("active", "active", "active", "Active", "deleting"))),
        "stateTransitionTime": _ago(90),
        "creationTime": _ago(90),
        "allocationState": draw(_STEADY),
        "allocationStateTransitionTime": _ago(draw(st.sampled_from((0.1, 3, 40)))),
        "vmSize": draw(_SIZES),
        "virtualMachineConfiguration": draw(_MACHINES),
        "resizeErrors": [{"code": code, "message": "no room"} for code in draw(st.lists(_ERRORS, max_size=2))],
        "currentDedicatedNodes": dedicated,
        "currentLowPriorityNodes": spot,
        "targetDedicatedNodes": dedicated + draw(more),
        "targetLowPriorityNodes": spot + draw(more),
        "enableAutoScale": draw(st.booleans()),
        "autoScaleRun": {"timestamp": _ago(0.1), "results": "", **draw(st.sampled_from(({}, failed)))},
        "taskSlotsPerNode": 1,
    }
    return pool, nodes


def _counted(name: str, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    halves = {}
    for half, dedicated in (("dedicated", True), ("lowPriority", False)):
        counts = {"total": sum(node["isDedicated"] is dedicated for node in nodes)}
        for state, facts in NODES.items():
            first, *rest = facts.column.split("_")
            wire = "upgradingOS" if state == "upgradingos" else first + "".join(word.capitalize() for word in rest)
            counts[wire] = sum(node["state"].lower() == state and node["isDedicated"] is dedicated for node in nodes)
        halves[half] = counts
    return {"poolId": name, **halves}


@st.composite
def accounts(draw: st.DrawFn) -> Told:
    """Pools with nodes in all states, jobs and schedules of all states, quotas; names in differing case."""
    names = draw(st.lists(st.sampled_from(("GpuPool", "cpu-1", "Render", "sim")), unique=True, max_size=4))
    made = [(name, *draw(_pools(name))) for name in names]
    spellings = [draw(_cases(name)) for name in names] + ["gone"]
    jobs, tasks = [], {}
    for name in draw(
        st.lists(st.sampled_from(("nightly:job-1", "Nightly:job-2", "Sim", "batch")), unique=True, max_size=4)
    ):
        pool = draw(st.sampled_from(spellings))
        state = draw(st.sampled_from(get_args(JobState)))
        jobs.append(
            {
                "id": name,
                "state": draw(_cases(state)),
                "stateTransitionTime": _ago(5),
                "creationTime": _ago(5),
                "previousState": "active",
                "priority": draw(st.sampled_from((0, 0, 100))),
                "poolInfo": {"poolId": pool},
                "executionInfo": {"startTime": _ago(5), "poolId": pool},
            }
        )
        few = st.integers(0, 30)
        succeeded, failed = draw(few), draw(st.sampled_from((0, 0, 1, 12)))
        tasks[name] = {
            "active": draw(few),
            "running": draw(st.sampled_from((0, 0, 3))),
            "completed": succeeded + failed,
            "succeeded": succeeded,
            "failed": failed,
        }
    schedules = [
        {"id": name, "state": draw(st.sampled_from(get_args(ScheduleState))), "stateTransitionTime": _ago(50)}
        for name in draw(st.lists(st.sampled_from(("Nightly", "weekly")), unique=True, max_size=2))
    ]
    limits = st.sampled_from((None, 0, 4, 10, 16, 40))
    properties = AccountProperties(
        provisioning_state="Succeeded",
        dedicated_core_quota=draw(limits),
        low_priority_core_quota=draw(limits),
        pool_quota=draw(st.sampled_from((None, 2, 4, 100))),
        active_job_and_job_schedule_quota=draw(st.sampled_from((None, 2, 4, 5, 100))),
        dedicated_core_quota_per_vm_family_enforced=draw(st.booleans()),
        dedicated_core_quota_per_vm_family=tuple(
            FamilyQuota(family, draw(st.sampled_from((0, 8, 100))))
            for family in ("standardDSv3Family", "STANDARDNCSV3FAMILY")
        ),
    )
    return Told(
        pools=[pool for _, pool, _ in made],
        nodes={name: nodes for name, _, nodes in made},
        counts=[_counted(draw(_cases(name)), nodes) for name, _, nodes in made],
        jobs=jobs,
        tasks=tasks,
        schedules=schedules,
        properties=properties,
    )
