"""How things behave that the service only runs: how long commands take, how they fail, how machines boot and break."""

from __future__ import annotations

import math
import random
import re
from functools import lru_cache

from msgspec import Struct

from bot.sandbox.entity_parts import NameValuePair, TaskFailureInformation


class Cause(Struct, frozen=True, kw_only=True):
    """One way a command fails.

    `phase` says when: "prepare" before it runs (files, packages, images), "launch" when it is started, "run" while it
    runs. Only a command that ended has an exit code, and only an exit code is retried.
    """

    code: str
    message: str
    category: str = "UserError"
    details: tuple[tuple[str, str], ...] = ()
    exit_code: int | None = None
    phase: str = "run"


@lru_cache(maxsize=256)
def failure_of(cause: Cause) -> TaskFailureInformation:
    """The failure as the service tells it; the tasks that fail of one cause share it."""
    return TaskFailureInformation(
        category=cause.category,
        code=cause.code,
        message=cause.message,
        details=[NameValuePair(name=name, value=value) for name, value in cause.details] or None,
    )


def exited(code: int) -> Cause:
    """The command ended with an exit code other than zero."""
    return Cause(
        code="FailureExitCode",
        message="The task exited with an exit code representing a failure",
        details=(
            ("Message", "The task process exited with an unexpected exit code"),
            ("AdditionalErrorCode", "FailureExitCode"),
        ),
        exit_code=code,
    )


def _blob(code: str, message: str, path: str, detail: str) -> Cause:
    return Cause(
        code=code,
        message=message,
        details=(("BlobSource", f"https://assets.blob.core.windows.net/{path}"), ("Message", detail)),
        phase="prepare",
    )


PROGRAM_NOT_FOUND = Cause(
    code="CommandProgramNotFound",
    message="The specified command program is not found",
    details=(("Message", "The system cannot find the file specified"),),
    phase="launch",
)
BLOB_NOT_FOUND = _blob(
    "BlobNotFound", "The specified blob is not found", "inputs/scene.zip", "The specified blob does not exist."
)
BLOB_ACCESS_DENIED = _blob(
    "BlobAccessDenied",
    "Access to one of the specified Azure Blob(s) is denied",
    "inputs/params.json?sv=2022-11-02&sr=b&se=2026-11-01T06%3A00%3A00Z&sp=r&sig=q0gXw1Jm5vZ8sT3yKcR7nL2bPd9uEfHa4iVoWjQx6Mk%3D",
    "Server failed to authenticate the request. Signature not valid in the specified time frame.",
)
DISK_FULL = Cause(
    code="DiskFull",
    message="There is not enough disk space on the node to run the task",
    details=(("Message", "No space left on device"),),
    phase="prepare",
)
CONTAINER_INVALID_IMAGE = Cause(
    code="ContainerInvalidImage",
    message="One or more container images specified for the task could not be found or pulled",
    details=(("Message", "manifest unknown: manifest tagged by the requested tag is not found"),),
    phase="prepare",
)
RESOURCE_FILE_CREATE_FAILED = Cause(
    code="ResourceFileCreateFailed",
    message="One of the resource files could not be created on the node",
    category="ServerError",
    details=(("Message", "The file could not be written to the working directory of the task"),),
    phase="prepare",
)
PACKAGE_ERROR = Cause(
    code="ApplicationPackageError",
    message="One of the application packages could not be deployed to the node",
    details=(("Message", "The package could not be extracted"),),
    phase="prepare",
)
TASK_ENDED = Cause(code="TaskEnded", message="Task Was Ended by User Request")
OUT_OF_TIME = Cause(
    code="TaskEnded",
    message="The task was ended because it ran longer than its maximum wall clock time",
    category="ServerError",
)
"""What ran too long is told apart from what somebody ended by its category ("Error handling and detection")."""
LAUNCH_FAILED = Cause(
    code="CommandLaunchFailed",
    message="Failed to launch the specified command line",
    details=(("Message", "Permission denied"),),
    phase="launch",
)
BLOB_DOWNLOAD_TIMED_OUT = _blob(
    "BlobDownloadTimedOut",
    "Downloading one of the specified Azure Blob(s) timed out",
    "inputs/scene.zip",
    "The operation could not be completed within the permitted time.",
)
UNRETRYABLE = Cause(
    code="MaxInternalRetryCountReached",
    message="Internal retry count for the task has been reached",
    category="ServerError",
    phase="prepare",
)
DOES_NOT_FIT = Cause(
    code="TaskSchedulingConstraintFailed",
    message="The task could not be scheduled within its constraints",
    phase="prepare",
)
CONTAINER_INVALID_SETTINGS = Cause(
    code="ContainerInvalidSettings",
    message="One or more container settings specified are invalid",
    details=(("Message", "unknown flag: --gpu"),),
    phase="prepare",
)
CONTAINER_ENGINE_BUSY = Cause(
    code="ContainerInvalidSettings",
    message="One or more container settings specified are invalid",
    details=(("Message", "UnixHTTPConnectionPool: Read timed out. (read timeout=60)"),),
    phase="prepare",
)
UPLOAD_DENIED = Cause(
    code="FileUploadAccessDenied",
    message="Access was denied while uploading the output files of the task",
    details=(("FilePath", "wd/out.exr"), ("Message", "This request is not authorized to perform this operation.")),
    exit_code=0,
)
UPLOAD_FAILED = Cause(
    code="FileUploadMiscError",
    message="A miscellaneous error occurred while uploading the output files of the task",
    details=(("FilePath", "wd/*.exr"), ("Message", "The specified container does not exist.")),
    exit_code=0,
)
"""A command that succeeded fails where its output cannot be stored: with the exit code 0, as recorded."""

CAUSES: dict[str, Cause] = {
    **{f"exit-{code}": exited(code) for code in (1, 2, 126, 127, 137, 139)},
    "program-not-found": PROGRAM_NOT_FOUND,
    "blob-not-found": BLOB_NOT_FOUND,
    "blob-access-denied": BLOB_ACCESS_DENIED,
    "disk-full": DISK_FULL,
    "container-invalid-image": CONTAINER_INVALID_IMAGE,
    "resource-file-create-failed": RESOURCE_FILE_CREATE_FAILED,
    "application-package-error": PACKAGE_ERROR,
    "task-ended": TASK_ENDED,
    "out-of-time": OUT_OF_TIME,
    "command-launch-failed": LAUNCH_FAILED,
    "blob-download-timed-out": BLOB_DOWNLOAD_TIMED_OUT,
    "max-internal-retry-count": UNRETRYABLE,
    "scheduling-constraint-failed": DOES_NOT_FIT,
    "container-invalid-settings": CONTAINER_INVALID_SETTINGS,
    "container-engine-busy": CONTAINER_ENGINE_BUSY,
    "file-upload-access-denied": UPLOAD_DENIED,
    "file-upload-failed": UPLOAD_FAILED,
}
"""The causes by a short name, for whoever asks for a storm of one."""

_EXIT_NAME = re.compile(r"exit-(-?\d{1,10})")


def cause_named(name: str) -> Cause:
    """A name of `CAUSES`, or "exit-" and any code of 32 bits but zero. Raises ValueError for others."""
    if found := CAUSES.get(name):
        return found
    exits = _EXIT_NAME.fullmatch(name)
    if exits and (code := int(exits[1])) and -(2**31) <= code < 2**31:
        return exited(code)
    raise ValueError(f"{name} is no cause of failure; there are exit-1, exit-2, … and {', '.join(sorted(_OTHERS))}")


_OTHERS = [name for name in CAUSES if not name.startswith("exit-")]


class Work(Struct, frozen=True, kw_only=True):
    """What a batch of tasks does: lognormal times by their median in seconds, and (probability, cause) pairs."""

    median: float
    spread: float = 0.4
    prepare: float = 1.5
    failures: tuple[tuple[float, Cause], ...] = ()

    def duration(self, rng: random.Random) -> float:
        """Seconds one run takes, at least a tenth."""
        return lognormal(rng, self.median, self.spread)

    def preparation(self, rng: random.Random) -> float:
        """Seconds it takes to fetch files and packages."""
        return lognormal(rng, self.prepare, 0.5)

    def cause(self, rng: random.Random) -> Cause | None:
        """How this run fails; None where it succeeds."""
        roll = rng.random()
        for probability, cause in self.failures:
            roll -= probability
            if roll < 0:
                return cause
        return None


def lognormal(rng: random.Random, median: float, spread: float) -> float:
    """A lognormal time in seconds, at least a tenth, at most twenty times the median."""
    return max(0.1, min(median * 20, math.exp(rng.gauss(math.log(max(median, 0.1)), spread))))


_SLEEP = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?)\s*([smh]?)\b|\bping\s+127\.0\.0\.1\s+-n\s+(\d+)|\btimeout\s+/t\s+(\d+)")
_EXIT = re.compile(r"\bexit\s+(?:/b\s+)?(\d+)\b")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def work_of(command: str) -> Work:
    """What a command from outside does, as far as its text tells: it sleeps, and it ends with the code it names."""
    asleep = 0.0
    for number, unit, pings, pause in _SLEEP.findall(command):
        asleep += float(number) * _UNITS[unit] if number else float(pings or pause)
    ends = _EXIT.search(command)
    code = int(ends[1]) if ends else 0
    return Work(median=asleep or 20.0, spread=0.01 if asleep else 0.4, failures=((1.0, exited(code)),) if code else ())


class MachineBehaviour(Struct, frozen=True, kw_only=True):
    """How the machines of a pool behave: median seconds, rates per node and hour, probabilities."""

    allocation: float = 70.0
    boot: float = 55.0
    start_task: float = 40.0
    start_task_failure: float = 0.0
    start_task_cause: Cause = exited(1)
    spot_capacity: int | None = None
    dedicated_capacity: int | None = None
    preemptions: float = 0.0
    breakdowns: float = 0.0
    recovery: float = 0.8


UBUNTU, WINDOWS, HPC = (
    MachineBehaviour(),
    MachineBehaviour(allocation=110.0, boot=210.0),
    MachineBehaviour(allocation=90.0, boot=120.0),
)


def machines_of(agent: str | None) -> MachineBehaviour:
    """How a pool behaves of which only the node agent is known."""
    return WINDOWS if agent and "windows" in agent.lower() else UBUNTU
