"""The whole port: what every store offers, whatever it is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from storage.port.approvals import ApprovalStore
from storage.port.audit import AuditStore
from storage.port.bill import BillStore
from storage.port.black_box import BlackBoxStore
from storage.port.changes import ChangeStore
from storage.port.confirmations import ConfirmationStore
from storage.port.conversations import ConversationStore
from storage.port.files import FileStore
from storage.port.incidents import IncidentStore
from storage.port.live import LiveStore
from storage.port.looks import LookStore
from storage.port.messages import MessageStore
from storage.port.monitoring import MonitoringStore
from storage.port.network import NetworkStore
from storage.port.operations import OperationStore
from storage.port.outbox import OutboxStore
from storage.port.preferences import PreferenceStore
from storage.port.prices import PriceStore
from storage.port.recommendations import RecommendationStore
from storage.port.reports import ReportStore
from storage.port.requests import RequestStore
from storage.port.runs import RunStore
from storage.port.samples import SampleStore
from storage.port.timings import TimingStore
from storage.port.uploads import UploadStore


class Store(
    RequestStore,
    ConfirmationStore,
    AuditStore,
    ApprovalStore,
    ConversationStore,
    SampleStore,
    NetworkStore,
    FileStore,
    UploadStore,
    PreferenceStore,
    ReportStore,
    RecommendationStore,
    MonitoringStore,
    LookStore,
    IncidentStore,
    OutboxStore,
    RunStore,
    TimingStore,
    BlackBoxStore,
    LiveStore,
    MessageStore,
    OperationStore,
    ChangeStore,
    PriceStore,
    BillStore,
    Protocol,
):
    """All of it. Times are aware datetimes; every method is a transaction of its own and runs off the event loop."""

    async def secret(self, name: str) -> bytes:
        """32 random bytes, made once per database and name, for signing."""
        ...

    async def prune(self, now: datetime) -> int:
        """Delete what retention no longer wants; returns the number of rows."""
        ...

    async def close(self) -> None:
        """Finish what is queued and release the file or connection."""
        ...
