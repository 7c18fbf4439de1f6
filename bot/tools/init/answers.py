"""What has to be known for a first settings file: the questions, and what was answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict, replace

from bot.chat.platforms import connectable, conversation_examples, is_conversation
from bot.settings import SettingsError, address_mistakes, public_mistakes

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/(?P<group>[^/\s]+)"
    r"/providers/Microsoft\.Batch/batchAccounts/(?P<name>[a-z0-9]{3,24})/?",
    re.IGNORECASE,
)
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_YES, _NO = frozenset({"y", "yes", "true"}), frozenset({"n", "no", "false"})


class Answers(Struct, frozen=True, kw_only=True):
    """What was answered; None is what has not been asked yet."""

    account_id: str | None = None
    endpoint: str | None = None
    change: bool | None = None
    slack: bool | None = None
    teams: bool | None = None
    socket: bool | None = None
    public_url: str | None = None
    app_id: str | None = None
    tenant_id: str | None = None
    client_secret: bool | None = None
    client_id: str | None = None
    write_client_id: str | None = None
    channel: str | None = None
    admin: str | None = None

    @property
    def resource(self) -> re.Match[str]:
        """The account's id in its parts: subscription, group, name."""
        found = _RESOURCE.fullmatch(self.account_id or "")
        if found is None:
            raise SettingsError(list(_no_account("--account-id", self.account_id or "")))
        return found

    @property
    def is_registered(self) -> bool:
        """Whether all is known that Teams' app package names."""
        return bool(self.app_id and self.tenant_id)

    @property
    def is_called(self) -> bool:
        """Whether a chat calls the bot, which then needs a public address."""
        return bool(self.teams or (self.slack and not self.socket))


class Question(NamedTuple):
    """One question. ``default`` is taken for an empty answer; without one it has to be answered."""

    key: str
    words: str
    default: str | bool | None
    wrong: Callable[[str, str], Iterator[str]]
    """What is wrong with an answer that the option of that name got, a line each."""
    applies: Callable[[Answers], bool] = lambda _: True

    @property
    def option(self) -> str:
        """As it is given on the command line."""
        return f"--{self.key.replace('_', '-')}"

    @property
    def is_choice(self) -> bool:
        """Whether it is answered by yes or no."""
        return isinstance(self.default, bool)


def _anything(option: str, answer: str) -> Iterator[str]:
    yield from ()


def _no_account(option: str, answer: str) -> Iterator[str]:
    if not _RESOURCE.fullmatch(answer):
        yield (
            f"{option}: this is no id of a Batch account: copy what this prints: "
            "az batch account show --name ACCOUNT --resource-group GROUP --query id --output tsv"
        )


def _no_guid(option: str, answer: str) -> Iterator[str]:
    if answer and not _GUID.fullmatch(answer):
        yield f"{option}: this is no id of the directory: it has the form 00000000-0000-0000-0000-000000000000"


def _no_channel(option: str, answer: str) -> Iterator[str]:
    if answer and not is_conversation(answer):
        yield f"{option}: this is no channel: write its id, such as {conversation_examples()}"


def _no_person(option: str, answer: str) -> Iterator[str]:
    name, _, own = answer.partition(":")
    if answer and (name not in connectable() or not re.fullmatch(r"[UW][A-Z0-9]+|[0-9a-fA-F-]{36}", own)):
        yield f"{option}: this is nobody's id: write slack:U012AB3CD or teams:<directory object id>"


QUESTIONS = (
    Question(
        "account_id",
        "Id of the Batch account (az batch account show --name ACCOUNT --resource-group GROUP --query id --output tsv)",
        None,
        _no_account,
    ),
    Question(
        "endpoint",
        "Its endpoint, such as renderprod.northcentralus.batch.azure.com (the same with --query accountEndpoint)",
        None,
        address_mistakes,
    ),
    Question("change", "May the bot change the account too, for whom you allow to", False, _anything),
    Question("slack", "Connect Slack", True, _anything),
    Question("teams", "Connect Microsoft Teams", False, _anything),
    Question(
        "socket",
        "Slack in Socket Mode, which needs no public address",
        True,
        _anything,
        lambda so_far: bool(so_far.slack and not so_far.teams),
    ),
    Question(
        "public_url",
        "The bot's public address, such as https://batchbot.example.com",
        None,
        public_mistakes,
        lambda so_far: so_far.is_called,
    ),
    Question(
        "app_id",
        "Application (client) id of the bot in Teams (empty: it is not registered yet)",
        "",
        _no_guid,
        lambda so_far: bool(so_far.teams),
    ),
    Question(
        "tenant_id",
        "Directory (tenant) id (az account show --query tenantId; empty: to be filled in)",
        "",
        _no_guid,
        lambda so_far: bool(so_far.teams),
    ),
    Question(
        "client_secret",
        "Is the bot in Teams an app registration with a client secret (no: a managed identity)",
        False,
        _anything,
        lambda so_far: bool(so_far.teams),
    ),
    Question("client_id", "Client id of the managed identity that reads (empty: whoever signs in there)", "", _no_guid),
    Question(
        "write_client_id",
        "Client id of the managed identity that changes the account (empty: whoever signs in there)",
        "",
        _no_guid,
        lambda so_far: bool(so_far.change),
    ),
    Question("channel", "A channel to be told of trouble, such as slack:C012AB3CD (empty: none)", "", _no_channel),
    Question("admin", "Who may do everything, such as slack:U012AB3CD (empty: nobody)", "", _no_person),
)
"""In the order in which they are asked; each may look at the answers before it."""


def complete(given: Answers, ask: Callable[[Question, str], str] | None) -> Answers:
    """All answers: those given, the others asked for, or without ``ask`` by their defaults.

    ``ask`` is given the question and what was wrong with the answer before. Raises SettingsError with a line for each
    that is wrong, or is missing and has no default; a wrong one that was asked for is asked for again.
    """
    mistakes: list[str] = []
    for question in QUESTIONS:
        value = asdict(given)[question.key]
        if not question.applies(given):
            given = _with(given, question.key, False if question.is_choice else "")
        elif value is not None:
            value = _as_address(question.key, value)
            mistakes += question.wrong(question.option, value) if isinstance(value, str) else ()
            given = _with(given, question.key, value)
        elif ask is not None:
            given = _with(given, question.key, _asked(question, ask))
        elif question.default is None:
            mistakes.append(f"{question.option}: is missing: {question.words[:1].lower()}{question.words[1:]}")
            given = _with(given, question.key, "")
        else:
            given = _with(given, question.key, question.default)
    if not given.slack and not given.teams:
        mistakes.append("--slack, --teams: the bot needs one of them: choose where people talk to it")
    if mistakes:
        raise SettingsError(mistakes)
    return given


def _with(answers: Answers, key: str, value: Any) -> Answers:
    return replace(answers, **{key: value})


def _as_address(key: str, value: Any) -> Any:
    """What the portal shows of an endpoint has no scheme."""
    is_bare = key in ("endpoint", "public_url") and isinstance(value, str) and value and "://" not in value
    return f"https://{value}" if is_bare else value.rstrip("/") if isinstance(value, str) else value


def _asked(question: Question, ask: Callable[[Question, str], str]) -> str | bool:
    wrong = ""
    while True:
        answer = ask(question, wrong).strip()
        if not answer and question.default is not None:
            return question.default
        if question.is_choice:
            if answer.lower() in _YES | _NO:
                return answer.lower() in _YES
            wrong = "answer y or n"
            continue
        answer = _as_address(question.key, answer)
        wrong = "; ".join(line.partition(": ")[2] for line in question.wrong("", answer))
        if not wrong:
            return str(answer)
