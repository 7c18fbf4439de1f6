"""``batchbot init``: asks, writes the files, and says what is left to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from bot.chat.teams.settings import TeamsSettings
from bot.requests.registry import Registry
from bot.settings import SettingsError
from bot.tools import slack_manifest, teams_package
from bot.tools.init.answers import Answers, Question, complete
from bot.tools.init.file import settings_of, text_of
from bot.tools.init.steps import MANIFEST, PACKAGE, lines, steps

_NO_ID = "00000000-0000-0000-0000-000000000000"


def init(path: Path, given: Answers, ask: Callable[[Question, str], str] | None, registry: Registry) -> str:
    """Write the settings file and, beside it, what Slack and Teams are given; returns what to print.

    Nothing is overwritten, and nothing is written where anything is wrong. Raises SettingsError with a line for each
    thing that is.
    """
    beside = [path.parent / name for name in (MANIFEST, PACKAGE)]
    if there := [each for each in (path, *beside) if each.exists()]:
        raise SettingsError([f"{each}: is there already: move it away, or choose another folder" for each in there])
    answers = complete(given, ask)
    text = text_of(answers)
    settings = settings_of(text_of(_filled(answers)))
    files: list[tuple[Path, bytes]] = [(path, text.encode())]
    if answers.slack:
        url, socket = settings.bot.public_url, bool(answers.socket)
        made = slack_manifest.manifest(registry, url=url, socket=socket, name=settings.bot.name)
        files.append((beside[0], made.encode()))
    if settings.platform(TeamsSettings) is not None and answers.is_registered:
        files.append(
            (beside[1], teams_package.build(settings, [(each.path, each.summary) for each in registry.menu()]))
        )
    try:
        for file, content in files:
            with file.open("xb") as written:
                written.write(content)
    except OSError as error:
        told = f"{error.filename}: cannot be written ({error.strerror}): choose another folder"
        raise SettingsError([told]) from None
    names = ", ".join(str(file) for file, _ in files)
    return "\n".join([f"Written: {names}", "", "What is left to do:", "", *lines(steps(answers, str(path)))]).rstrip()


def _filled(answers: Answers) -> Answers:
    """The same with ids for those that are not known yet: all else is checked before anything is written."""
    return replace(answers, app_id=answers.app_id or _NO_ID, tenant_id=answers.tenant_id or _NO_ID)
