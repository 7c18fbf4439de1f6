"""The fields of lists that are short, or that the service does not filter: all of them are read and sifted here.

Rows are what the handlers put together: applications with the pools that use them, images and VM sizes with what is
known of them beside, certificates with what their public part says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bot.azure.models import OwnTaskRun, PreparationStatus, Subtask
from bot.filter.common import flag, low, number, part, some, text
from bot.filter.fields import Entity, Field, Kind, Reader, Word


def _field(name: str, read: Reader, label: str = "", *aliases: str) -> Field:
    return Field(name, Kind.TEXT, read, label, aliases)


def _moment(name: str, read: Reader, label: str, *aliases: str, opens: bool = False) -> Field:
    return Field(name, Kind.TIME, read, label, aliases, opens=opens)


def _words(name: str, read: Reader, *words: str, label: str = "", **shown: str) -> Field:
    """A field of a few words; ``shown`` is how one is said where it cannot be read as it is."""
    return Field(name, Kind.STATE, read, label, words={word: Word(shown.get(word, word)) for word in words})


def _yes_no(name: str, read: Reader, yes: str, no: str, *aliases: str) -> Field:
    return flag(name, read, Word(yes), Word(no), *aliases)


APPLICATION: Final = Entity(
    "application",
    "applications",
    (
        _field("name", lambda row: text(row.id, row.display_name), "name", "display"),
        _field("id", lambda row: (row.id,)),
        _field("version", lambda row: text(*row.versions), "version", "versions"),
        _field("default", lambda row: text(row.default), "default version"),
        _field("pool", lambda row: row.pools, "pool"),
        number("pools", lambda row: (len(row.pools),), "pools"),
    ),
)
CERTIFICATE: Final = Entity(
    "certificate",
    "certificates",
    (
        _words("state", lambda row: low(row.body.state), "active", "deleting", "deletefailed",
               deletefailed="delete failed"),
        _field("name", lambda row: text(row.name, row.body.thumbprint)),
        _field("thumbprint", lambda row: text(row.body.thumbprint), "thumbprint", "id"),
        _field("algorithm", lambda row: text(row.body.thumbprint_algorithm)),
        _moment("until", lambda row: some(row.until), "expires", "expires", "ends"),
        Field("age", Kind.AGE, lambda row: some(row.body.state_transition_time), "in its state", ("old",)),
        _moment("since", lambda row: some(row.body.state_transition_time), "changed", opens=True),
    ),
)  # fmt: skip
IMAGE: Final = Entity(
    "image",
    "images",
    (
        _field("name", lambda row: text(row.name)),
        _words("os", lambda row: low(row.image.os_type), "linux", "windows", label="system"),
        _yes_no("mine", lambda row: (row.used > 0,), "used by your pools", "not used by your pools"),
        number("pools", lambda row: (row.used,), "your pools"),
        _field("publisher", lambda row: part(row.image, "image_reference", "publisher")),
        _field("offer", lambda row: part(row.image, "image_reference", "offer")),
        _field("sku", lambda row: part(row.image, "image_reference", "sku"), "SKU"),
        _moment("until", lambda row: some(row.image.batch_support_end_of_life), "support ends", "end", "ends"),
        _yes_no("verified", lambda row: (row.image.verification_type.lower() == "verified",), "verified", "unverified"),
        _field("agent", lambda row: text(row.image.node_agent_sku_id), "node agent"),
    ),
)
SIZE: Final = Entity(
    "VM size",
    "VM sizes",
    (
        _field("name", lambda row: text(row.size.name, row.size.family)),
        number("cores", lambda row: (row.size.vcpus,), "cores", "vcpus"),
        Field("memory", Kind.DECIMAL, lambda row: (row.size.memory_gb,), "memory in GB", ("ram", "gb")),
        Field("price", Kind.DECIMAL, lambda row: some(row.price), "price an hour", ("cost", "hourly")),
        _yes_no("gpu", lambda row: (row.size.gpus > 0,), "with GPUs", "without GPUs"),
        number("gpus", lambda row: (row.size.gpus,), "GPUs"),
        _field("family", lambda row: text(row.size.family)),
        _yes_no("mine", lambda row: (row.mine,), "used by your pools", "not used by your pools"),
        number("room", lambda row: some(row.room), "nodes there is room for"),
        _yes_no("spot", lambda row: (row.size.spot,), "offered as spot", "not offered as spot", "lowpriority"),
        _moment("until", lambda row: some(row.size.eol), "support ends", "end", "ends"),
    ),
)
ACCOUNT: Final = Entity(
    "account",
    "accounts",
    (
        _field("name", lambda row: (row.name,), "name", "id"),
        _field("state", lambda row: text(row.state), "state"),
        _field("region", lambda row: text(row.region), "region", "location"),
        number("pools", lambda row: some(row.pools), "pools"),
        number("nodes", lambda row: some(row.nodes), "nodes"),
        number("bad", lambda row: some(row.bad), "bad nodes"),
        _field("allocation", lambda row: text(row.allocation), "allocation", "mode"),
    ),
)
FILE: Final = Entity(
    "file",
    "files",
    (
        _field("name", lambda row: (row.name,), "name", "path"),
        Field("size", Kind.BYTES, lambda row: some(row.size), "size", ("length", "bytes")),
        _moment("written", lambda row: part(row, "properties", "last_modified"), "written", "modified", "changed"),
        _yes_no("directory", lambda row: (row.is_directory,), "folders", "files only", "dir"),
    ),
)


def _state_words(state: str, result: str) -> tuple[str, ...]:
    """A state, and of what is completed how it ended."""
    return text(state.lower(), {"failure": "failed", "success": "succeeded"}.get(result.lower(), ""))


def _span(start: datetime | None, end: datetime | None) -> tuple[tuple[datetime, datetime | None], ...]:
    return ((start, end),) if start is not None else ()


def _subtask_error(row: Subtask) -> tuple[str, ...]:
    return text(row.failure_info.code) if row.failure_info else ()


SUBTASK: Final = Entity(
    "subtask",
    "subtasks",
    (
        _words("state", lambda row: _state_words(row.state, row.result),
               "preparing", "running", "completed", "failed", "succeeded"),
        number("id", lambda row: (row.id,), "number"),
        number("exit", lambda row: some(row.exit_code), "exit code", "exitcode", "code"),
        _yes_no("failed", lambda row: (row.result.lower() == "failure",), "failed", "not failed", "failures"),
        _field("node", lambda row: part(row, "node_info", "node_id"), "node", "name"),
        _field("error", _subtask_error, "error"),
        Field("age", Kind.AGE, lambda row: some(row.state_transition_time), "in its state", ("old",)),
        _moment("since", lambda row: some(row.state_transition_time), "changed", opens=True),
        _moment("started", lambda row: some(row.start_time), "started", "start"),
        _moment("ended", lambda row: some(row.end_time), "ended", "end"),
        Field("ran", Kind.SPAN, lambda row: _span(row.start_time, row.end_time), "ran", ("took", "duration")),
    ),
    "node",
)  # fmt: skip


def _preparing(row: PreparationStatus) -> OwnTaskRun:
    return row.job_preparation_task_execution_info or OwnTaskRun()


def _releasing(row: PreparationStatus) -> OwnTaskRun:
    return row.job_release_task_execution_info or OwnTaskRun()


def _run_words(run: OwnTaskRun) -> tuple[str, ...]:
    return _state_words(run.state, run.result)


def _either_failed(row: Any) -> tuple[bool]:
    return (any(run.result.lower() == "failure" for run in (_preparing(row), _releasing(row))),)


def _own_errors(row: Any) -> tuple[str, ...]:
    return text(*(run.failure_info.code for run in (_preparing(row), _releasing(row)) if run.failure_info))


_RUN_WORDS = ("running", "completed", "failed", "succeeded")
PREPARATION: Final = Entity(
    "node",
    "nodes",
    (
        _words("state", lambda row: _run_words(_preparing(row)), *_RUN_WORDS, label="preparation"),
        _words("release", lambda row: _run_words(_releasing(row)), *_RUN_WORDS, label="release"),
        _yes_no("failed", _either_failed, "failed", "not failed", "failures"),
        _field("node", lambda row: (row.node_id,), "node", "name"),
        _field("pool", lambda row: (row.pool_id,), "pool"),
        number("exit", lambda row: some(_preparing(row).exit_code), "exit code", "exitcode", "code"),
        number("retries", lambda row: (_preparing(row).retry_count,), "retries"),
        _field("error", _own_errors, "error"),
        _moment("started", lambda row: some(_preparing(row).start_time), "started", "start"),
        _moment("ended", lambda row: some(_preparing(row).end_time), "ended", "end"),
        Field("ran", Kind.SPAN, lambda row: _span(_preparing(row).start_time, _preparing(row).end_time), "ran",
              ("took", "duration")),
    ),
    "node",
)  # fmt: skip
