"""What a command on a node is made of, said alike for tasks, start tasks, job managers, preparation and release."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bot.azure.models import NameValue, ResourceFile, UserIdentity, duration
from bot.azure.models.base import (
    ContainerInfo,
    ContainerRegistry,
    ContainerSettings,
    IdentityReference,
    PackageReference,
)
from bot.azure.models.job import JobManagerTask, JobPreparationTask, JobReleaseTask
from bot.azure.models.task import Dependencies, ExitConditions, ExitOptions, MultiInstance, OutputFile, TaskConstraints
from bot.domain.states import word
from cards.build import facts, text
from cards.card import Block, Code, Text
from cards.formatting import duration as spoken
from cards.formatting import number, plural
from handlers.shared.common import identity, named, section, some, tail

Labelled = tuple[str, Text | str | None]


class Runs(Protocol):
    """Anything of the service that runs a command."""

    @property
    def command_line(self) -> str:
        """The command."""

    @property
    def container_settings(self) -> ContainerSettings | None:
        """The container it runs in."""

    @property
    def resource_files(self) -> tuple[ResourceFile, ...]:
        """What is downloaded first."""

    @property
    def environment_settings(self) -> tuple[NameValue, ...]:
        """Environment variables."""

    @property
    def user_identity(self) -> UserIdentity | None:
        """Whom it runs as."""


def command_of(task: Runs) -> Code | None:
    """The command, verbatim but for signatures."""
    return Code(task.command_line) if task.command_line else None


def setting(task: Runs) -> list[Labelled]:
    """Facts that all of them share: user, container, input files, environment."""
    return [
        ("Runs as", identity(task.user_identity)),
        ("Container", container(task.container_settings)),
        ("Input files", input_files(task.resource_files)),
        ("Environment", named(task.environment_settings)),
    ]


def container(settings: ContainerSettings | None) -> str:
    """Image, options, registry, mounts."""
    if settings is None:
        return ""
    lines = [settings.image_name]
    if settings.container_run_options:
        lines.append(f"options {settings.container_run_options}")
    if settings.registry:
        lines.append(registry(settings.registry))
    if settings.working_directory:
        lines.append(f"works in {word(settings.working_directory)}")
    lines += [
        f"sees {mount.source}{' (read only)' if mount.is_read_only else ''}"
        for mount in settings.container_host_batch_bind_mounts
    ]
    return "\n".join(filter(None, lines))


def registry(source: ContainerRegistry) -> str:
    """Where images come from, and as whom they are fetched."""
    named_as = f" as {source.username}" if source.username else ""
    return f"registry {source.registry_server or 'docker.io'}{named_as}{as_identity(source.identity_reference)}"


def container_run(info: ContainerInfo | None) -> str:
    """What the container engine reported."""
    if info is None:
        return ""
    return " · ".join(filter(None, (info.container_id[:12], info.state, info.error)))


def input_files(files: tuple[ResourceFile, ...]) -> str:
    """A line a file: ``scene.blend ← https://…``."""
    return some([_input_file(each) for each in files])


def _input_file(file: ResourceFile) -> str:
    if file.auto_storage_container_name:
        source = f"container {file.auto_storage_container_name} of the account's storage"
    else:
        source = file.http_url or file.storage_container_url
    if file.blob_prefix:
        source += f" (names that begin with {file.blob_prefix})"
    pieces = f"{file.file_path} ← {source}" if file.file_path and source else file.file_path or source
    return pieces + (f" (mode {file.file_mode})" if file.file_mode else "") + as_identity(file.identity_reference)


def output_files(files: tuple[OutputFile, ...]) -> str:
    """A line a pattern: ``*.exr → https://… when it succeeds``."""
    lines = []
    for each in files:
        target = each.destination.container if each.destination else None
        where = f" → {target.container_url}" if target else ""
        if target and target.path:
            where += f" as {target.path}"
        condition = each.upload_options.upload_condition.lower() if each.upload_options else ""
        whenever = {"tasksuccess": " when it succeeds", "taskfailure": " when it fails"}.get(condition, "")
        lines.append(f"{each.file_pattern}{where}{whenever}{as_identity(target.identity_reference) if target else ''}")
    return some(lines)


def as_identity(identity_reference: IdentityReference | None) -> str:
    """`` with identity NAME``, or nothing."""
    return f" with identity {tail(identity_reference.resource_id)}" if identity_reference else ""


def packages(references: Iterable[PackageReference]) -> str:
    """``renderer 4.1, ffmpeg (default version)``."""
    return ", ".join(f"{each.application_id} {each.version or '(default version)'}" for each in references)


def limits(constraints: TaskConstraints | None) -> str:
    """``at most 4 h · 3 retries · files kept 7 d``."""
    if constraints is None:
        return ""
    pieces = [longest(constraints.max_wall_clock_time), retries(constraints.max_task_retry_count)]
    if constraints.retention_time:
        kept = duration(constraints.retention_time)
        pieces.append(f"files kept {spoken(kept)}" if kept else "files kept as long as the node")
    return " · ".join(filter(None, pieces))


def longest(iso: str) -> str:
    """A limit of run time (ISO 8601) in words; empty where none was sent."""
    span = duration(iso)
    return f"at most {spoken(span)}" if span else "no time limit" if iso else ""


def retries(count: int) -> str:
    """How often a task is run again after it failed."""
    return "retries without end" if count < 0 else plural(count, "retry", "retries") if count else "no retry"


def depends_on(after: Dependencies | None) -> str:
    """Names and numbers of the tasks before."""
    if after is None:
        return ""
    waits = [*after.task_ids, *(f"{each.start} – {each.end}" for each in after.task_id_ranges)]
    return ", ".join(waits[:20]) + (f" and {number(len(waits) - 20)} more" if len(waits) > 20 else "")


def exits(conditions: ExitConditions | None) -> str:
    """What the ways to end do, a line each: ``exit 3: terminates the job``."""
    if conditions is None:
        return ""
    ways: list[tuple[str, ExitOptions | None]] = [
        *((f"exit {each.code}", each.exit_options) for each in conditions.exit_codes),
        *((f"exit {each.start} – {each.end}", each.exit_options) for each in conditions.exit_code_ranges),
        ("cannot start", conditions.pre_processing_error),
        ("upload fails", conditions.file_upload_error),
        ("any other failure", conditions.default),
    ]
    return "\n".join(f"{way}: {_effect(options)}" for way, options in ways if options)


def _effect(options: ExitOptions) -> str:
    job = {"none": "the job goes on", "disable": "disables the job", "terminate": "terminates the job"}
    others = {"satisfy": "dependents run", "block": "dependents are blocked"}
    pieces = [
        job.get(options.job_action.lower(), options.job_action),
        others.get(options.dependency_action.lower(), options.dependency_action),
    ]
    return ", ".join(filter(None, pieces)) or "nothing"


def instances(settings: MultiInstance | None) -> list[Labelled]:
    """A multi-instance task: how many nodes, what they run together, what they share."""
    if settings is None:
        return []
    return [
        ("Instances", number(settings.number_of_instances)),
        ("Coordination", settings.coordination_command_line),
        ("Shared input files", input_files(settings.common_resource_files)),
    ]


def yes_no(value: bool | None) -> str:
    """A switch in words; empty where it was not sent."""
    return "" if value is None else "yes" if value else "no"


def job_manager(task: JobManagerTask | None) -> list[Block]:
    """The task that starts with the job."""
    if task is None:
        return []
    tokens = task.authentication_token_settings
    return section(
        "Job manager task",
        command_of(task),
        facts(
            ("Task", text(task.id, f" ({task.display_name})" if task.display_name else "")),
            ("Job ends with it", yes_no(task.kill_job_on_completion)),
            ("Has its node alone", yes_no(task.run_exclusive)),
            ("Limits", limits(task.constraints)),
            *setting(task),
            ("Slots", number(task.required_slots) if task.required_slots > 1 else None),
            ("On spot nodes too", yes_no(task.allow_low_priority_node)),
            ("Packages", packages(task.application_package_references)),
            ("Output files", output_files(task.output_files)),
            ("May act on", ", ".join(tokens.access) if tokens else None),
        ),
    )


def preparation(task: JobPreparationTask | None) -> list[Block]:
    """What a node runs before its first task of the job."""
    if task is None:
        return []
    return section(
        "Preparation task",
        command_of(task),
        facts(
            ("Task", task.id),
            ("Tasks wait for it", yes_no(task.wait_for_success)),
            ("Again after a reboot", yes_no(task.rerun_on_node_reboot_after_success)),
            ("Limits", limits(task.constraints)),
            *setting(task),
        ),
    )


def release(task: JobReleaseTask | None) -> list[Block]:
    """What a node runs when the job ends."""
    if task is None:
        return []
    kept = duration(task.retention_time)
    limited = filter(None, (longest(task.max_wall_clock_time), f"files kept {spoken(kept)}" if kept else ""))
    return section(
        "Release task",
        command_of(task),
        facts(
            ("Task", task.id),
            ("Limits", " · ".join(limited)),
            *setting(task),
        ),
    )
