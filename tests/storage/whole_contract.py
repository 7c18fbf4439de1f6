"""Everything that every store has to do, in one class."""

from __future__ import annotations

from tests.storage.black_box_contract import BlackBoxContract
from tests.storage.contract import StoreContract
from tests.storage.live_contract import LiveContract
from tests.storage.monitoring_contract import MonitoringContract
from tests.storage.network_contract import NetworkContract
from tests.storage.operations_contract import OperationsContract
from tests.storage.outbox_contract import OutboxContract
from tests.storage.recommendations_contract import RecommendationsContract
from tests.storage.reports_contract import ReportsContract
from tests.storage.runs_contract import RunsContract
from tests.storage.timings_contract import TimingsContract
from tests.storage.usage_contract import UsageContract


class WholeContract(
    StoreContract,
    MonitoringContract,
    OutboxContract,
    LiveContract,
    OperationsContract,
    RunsContract,
    UsageContract,
    NetworkContract,
    ReportsContract,
    RecommendationsContract,
    TimingsContract,
    BlackBoxContract,
):
    """Inherit it, and give a fixture ``fresh``: a function that opens an empty store."""
