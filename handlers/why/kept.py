"""What the black box kept of what a failed task printed, where Batch has it no more."""

from __future__ import annotations

from bot.azure.models import Node, Task
from bot.domain.diagnosis.model import Evidence
from bot.monitor.evidence import said_in
from bot.requests.context import Context
from handlers.shared.kept import kept_of, of_run
from handlers.why.reads import Reads
from storage.port.black_box import KeptNode, KeptTask


async def kept_line(ctx: Context, reads: Reads, job: str, task: Task) -> Evidence | None:
    """The line that says most of the very run that failed, as of when it was kept; None where none is."""
    ended = task.execution_info.end_time if task.execution_info else None
    for box in await kept_of(ctx, reads.source, "task", job, task.id):
        if isinstance(box, KeptTask) and box.line and of_run(box, ended):
            reads.looked.append(f"what the bot kept of the output of {task.id}")
            return Evidence(box.line, box.kept, printed=True)
    return None


def kept_start(box: KeptNode) -> Evidence | None:
    """The line that says most of what a start task printed, as of when it was kept; None where nothing was."""
    said = said_in(box.files)
    return Evidence(said.line, box.kept, printed=True) if said.line else None


async def kept_start_line(ctx: Context, reads: Reads, pool: str, node: Node) -> Evidence | None:
    """The same of the very trouble that a node is in, where its files cannot be read."""
    for box in await kept_of(ctx, reads.source, "node", pool, node.id):
        if isinstance(box, KeptNode) and box.at == node.state_transition_time and (said := kept_start(box)):
            reads.looked.append(f"what the bot kept of the start task of {node.id}")
            return said
    return None
