"""What holds up a job, in a sentence, for cards that are about something else."""

from __future__ import annotations

from datetime import datetime

from bot.azure.account import Account
from bot.azure.models import Job
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Clue, choose
from bot.requests.context import Context
from handlers.why.jobs import read_job
from handlers.why.reads import Reads


async def holds_up(ctx: Context, source: Account, job: Job, at: datetime) -> Clue | None:
    """What ``why job`` says of a job whose tasks wait while none runs; None where it says nothing."""
    case = await read_job(ctx, Reads(source), job, at, printed=False)
    return choose(of_job(case).clues).clue if case.waits else None
