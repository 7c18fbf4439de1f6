"""What the black box kept of what a failed task printed, where Batch has it no more."""

from __future__ import annotations

from bot.azure.models import Task
from bot.domain.diagnosis.model import Evidence
from bot.requests.context import Context
from handlers.shared.kept import kept_of, of_run
from handlers.why.reads import Reads
from storage.port.black_box import KeptTask


async def kept_line(ctx: Context, reads: Reads, job: str, task: Task) -> Evidence | None:
    """The line that says most of the very run that failed, as of when it was kept; None where none is."""
    ended = task.execution_info.end_time if task.execution_info else None
    for box in await kept_of(ctx, reads.source, "task", job, task.id):
        if isinstance(box, KeptTask) and box.line and of_run(box, ended):
            reads.looked.append(f"what the bot kept of the output of {task.id}")
            return Evidence(box.line, box.kept, printed=True)
    return None
