"""What the service tells beside pools, jobs and tasks: files, applications, images, certificates, parts of runs.

One Struct per object of the wire, by the rules of `entities`.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from bot.sandbox.entities import NodeInformation
from bot.sandbox.entity_parts import ImageReference, NameValuePair, TaskFailureInformation, VMExtension, Wire

# --- files ------------------------------------------------------------------------------------------------------------


class FileProperties(Wire, kw_only=True):
    """A file's facts; the length is text on the wire, the mode is Linux's, the creation time Windows's."""

    creation_time: datetime | None = None
    last_modified: datetime
    content_length: str
    content_type: str
    file_mode: str | None = None


class NodeFile(Wire, kw_only=True):
    """A file or a directory of a task or a node; directories have no properties."""

    name: str
    url: str
    is_directory: bool
    properties: FileProperties | None = None


# --- what an account offers -------------------------------------------------------------------------------------------


class ApplicationSummary(Wire, kw_only=True):
    """An application with the versions that nodes may be given."""

    id: str
    display_name: str | None = None
    versions: list[str]


class ImageInformation(Wire, kw_only=True):
    """An image that the node agent is known to run on."""

    image_reference: ImageReference
    verification_type: str
    node_agent_sku_id: str = field(name="nodeAgentSKUId")
    capabilities: list[str] | None = None
    os_type: str
    batch_support_end_of_life: datetime | None = None


class DeleteCertificateError(Wire, kw_only=True):
    """Why a certificate could not be deleted."""

    code: str
    message: str
    values: list[NameValuePair] | None = None


class Certificate(Wire, kw_only=True):
    """A certificate as the data plane shows it."""

    thumbprint: str
    thumbprint_algorithm: str
    url: str = ""
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None
    public_data: str
    delete_certificate_error: DeleteCertificateError | None = None


# --- runs on nodes ----------------------------------------------------------------------------------------------------


class RemoteLoginSettings(Wire, kw_only=True):
    """Where to reach a node from outside."""

    remote_login_ip_address: str = field(name="remoteLoginIPAddress")
    remote_login_port: int


class UploadBatchServiceLogsResult(Wire, kw_only=True):
    """Where in the container a node put the logs of its agent."""

    virtual_directory_name: str
    number_of_files_uploaded: int


class InstanceViewStatus(Wire, kw_only=True):
    """How an extension fares; `level` is "Error", "Info" or "Warning"."""

    code: str | None = None
    display_status: str | None = None
    level: str | None = None
    message: str | None = None
    time: str | None = None


class VMExtensionInstanceView(Wire, kw_only=True):
    """What the machine tells of an extension."""

    name: str
    statuses: list[InstanceViewStatus] | None = None
    sub_statuses: list[InstanceViewStatus] | None = None


class NodeVMExtension(Wire, kw_only=True):
    """An extension on one node."""

    provisioning_state: str
    vm_extension: VMExtension
    instance_view: VMExtensionInstanceView


class SubtaskInformation(Wire, kw_only=True):
    """One of the further instances of a multi-instance task; `id` counts from 1, the primary is not among them."""

    id: int
    node_info: NodeInformation
    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    failure_info: TaskFailureInformation | None = None
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None
    result: str | None = None


class JobReleaseTaskExecutionInformation(Wire, kw_only=True):
    """How the release task fared on a node; `state` is "running" or "completed"."""

    start_time: datetime
    end_time: datetime | None = None
    state: str
    task_root_directory: str
    task_root_directory_url: str
    exit_code: int | None = None
    failure_info: TaskFailureInformation | None = None
    result: str | None = None


class JobPreparationTaskExecutionInformation(JobReleaseTaskExecutionInformation, kw_only=True):
    """How the preparation task fared on a node."""

    retry_count: int


class JobPreparationAndReleaseTaskStatus(Wire, kw_only=True):
    """Both on one node."""

    pool_id: str
    node_id: str
    node_url: str
    job_preparation_task_execution_info: JobPreparationTaskExecutionInformation | None = None
    job_release_task_execution_info: JobReleaseTaskExecutionInformation | None = None
