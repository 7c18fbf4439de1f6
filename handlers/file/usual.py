"""Which file of a task is opened where none is named: of one that failed the one that says most, as ``why`` has it."""

from __future__ import annotations

from bot.azure import gaps
from bot.azure.errors import AzureError
from bot.monitor.evidence import said_in
from bot.monitor.file_ends import TASK, UPLOAD, ends
from handlers.file.owner import Home
from handlers.shared.kept import kept_of, of_run
from storage.port.black_box import KeptTask

USUAL = "stdout.txt"
"""Of a task that did not fail: what it printed."""


async def usual_file(home: Home) -> str:
    """The file's name; :data:`USUAL` too where the task cannot be read, which its file will tell better.

    What was kept of the very run that failed knows it without another call.
    """
    try:
        run = (await home.task()).execution_info
    except AzureError:
        return USUAL
    if run is None or run.result.lower() != "failure":
        return USUAL
    for box in await kept_of(home.ctx, home.source, "task", home.outer, home.name):
        if isinstance(box, KeptTask) and box.line_in and of_run(box, run.end_time):
            return box.line_in
    # A program that ended well failed by what was uploaded after it: that is told in files of their own.
    wanted = (*UPLOAD[len(TASK) :], *TASK) if run.exit_code == 0 else TASK
    try:
        found = await ends(home.files, wanted, lambda _: None)
    except AzureError as error:
        gaps.missed("which file says most", error)
        return USUAL
    return said_in(found).file or USUAL
