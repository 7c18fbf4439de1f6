"""Modals and Home tabs: who has what open, what is filled in, and which answers change it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.errors import Refused, StandInError
from bot.sandbox.slack.inputs import initial_state
from bot.sandbox.slack.model import Workspace, with_ids
from bot.sandbox.slack.people import APP, BOT, TEAM, Json
from bot.sandbox.slack.rules import FileReady, wrong_with_view

MOST_VIEWS = 3
MOST_BYTES = 250_000
_HOME_TITLE = {"type": "plain_text", "text": "View Title", "emoji": True}


@dataclass
class View:
    """A view as one person has it; ``given`` is what the app sent, ``state`` what is filled in."""

    id: str
    user: str
    given: Json
    root: str
    previous: str | None = None
    hash: str = ""
    state: dict[str, dict[str, Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """The blocks, with all ids."""
        blocks: list[Json] = self.given["blocks"]
        return blocks

    def wire(self) -> Json:
        """Slack's view object."""
        given = self.given
        modal = given["type"] == "modal"
        return {
            "id": self.id,
            "team_id": TEAM,
            "type": given["type"],
            "blocks": self.blocks,
            "private_metadata": given.get("private_metadata") or "",
            "callback_id": given.get("callback_id") or "",
            "state": {"values": self.state},
            "hash": self.hash,
            "title": given["title"] if modal else _HOME_TITLE,
            "clear_on_close": bool(given.get("clear_on_close")),
            "notify_on_close": bool(given.get("notify_on_close")),
            "close": given.get("close"),
            "submit": given.get("submit"),
            "previous_view_id": self.previous,
            "root_view_id": self.root,
            "app_id": APP,
            "external_id": given.get("external_id") or "",
            "app_installed_team_id": TEAM,
            "bot_id": BOT,
        }


class Views:
    """All open modals (a stack for each person) and Home tabs."""

    def __init__(self, workspace: Workspace, file_ready: FileReady) -> None:
        self._workspace = workspace
        self._file_ready = file_ready
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def get(self, view_id: str) -> View | None:
        """An open modal or a Home tab."""
        return next((view for view in self._all() if view.id == view_id), None)

    def of(self, user: str, view_id: str) -> View:
        """The view as ``user`` sees it. StandInError view_not_found where that person has no such view."""
        view = self.get(view_id)
        if view is None or view.user != user:
            raise StandInError("view_not_found", f"{user} has no view {view_id!r} open")
        return view

    def on_top(self, user: str, view_id: str) -> View:
        """The same for a modal that must be on top of the others."""
        view = self.of(user, view_id)
        if self.stacks.get(user, [view])[-1] is not view:
            raise StandInError("view_not_on_top", f"another modal lies over {view_id}")
        return view

    def open(self, user: str, given: object) -> View:
        """Open a modal; whatever this person had open gives way."""
        sound = self.check(given, "modal")
        self.clear(user)
        return self._add(user, sound, [])

    def push(self, user: str, given: object) -> View:
        """Open a modal over the one on top. Refused: push_limit_reached, not_found."""
        sound = self.check(given, "modal")
        stack = self.stacks.get(user, [])
        if not stack:
            raise Refused("not_found")
        if len(stack) >= MOST_VIEWS:
            raise Refused("push_limit_reached")
        return self._add(user, sound, stack)

    def update(self, view: View, given: object, expected_hash: str | None = None) -> View:
        """Change a view; inputs whose block_id and action_id stay keep what is filled in. Refused: hash_conflict."""
        sound = self.check(given, view.given["type"], view)
        if expected_hash and expected_hash != view.hash:
            raise Refused("hash_conflict")
        self._fill(view, sound)
        self._tell("home" if sound["type"] == "home" else "view_updated", view)
        return view

    def publish(self, user: str, given: object, expected_hash: str | None) -> View:
        """Set what a person sees on the Home tab."""
        if view := self.homes.get(user):
            return self.update(view, given, expected_hash)
        sound = self.check(given, "home")
        identity = self._workspace.id("V")
        view = self.homes[user] = View(identity, user, sound, root=identity)
        self._fill(view, sound)
        self._tell("home", view)
        return view

    def by_reference(self, arguments: Mapping[str, Any]) -> View:
        """The view that ``view_id`` or ``external_id`` names. Refused: not_found."""
        view_id, external_id = arguments.get("view_id"), arguments.get("external_id")
        for view in self._all():
            if view.id == view_id if view_id else (external_id and view.given.get("external_id") == external_id):
                return view
        raise Refused("not_found")

    def close(self, view: View) -> None:
        """Take a modal away."""
        stack = self.stacks.get(view.user, [])
        if view in stack:
            stack.remove(view)
            self._tell("view_closed", view)

    def clear(self, user: str) -> None:
        """Take all of a person's modals away, the top one first."""
        for view in reversed(self.stacks.get(user, []).copy()):
            self.close(view)

    def show_errors(self, view: View, errors: Mapping[str, str]) -> None:
        """Write errors under the inputs of a form."""
        view.errors = dict(errors)
        self._workspace.announce({"type": "view_errors", "user": view.user, "view_id": view.id, "errors": view.errors})

    def shown(self, view: View) -> Json:
        """The view for the page."""
        return {**view.wire(), "errors": view.errors, "user": view.user}

    def check(self, given: object, kind: str, old: View | None = None) -> Json:
        """The view if it is legal. Refused: invalid_arguments, view_too_large, duplicate_external_id."""
        if wrong := wrong_with_view(given, self._file_ready):
            head = "failed to match all allowed schemas [json-pointer:/view]"
            raise Refused("invalid_arguments", [f"[ERROR] {words}" for words in [head, *wrong]])
        assert isinstance(given, dict)  # noqa: S101 - what has passed the rules is an object
        if given["type"] != kind:
            raise Refused("invalid_arguments", [f"[ERROR] must be a valid {kind} view [json-pointer:/view/type]"])
        if len(json.dumps(given)) > MOST_BYTES:
            raise Refused("view_too_large")
        external = given.get("external_id")
        if external and any(v.given.get("external_id") == external for v in self._all() if v is not old):
            raise Refused("duplicate_external_id")
        return given

    def _all(self) -> list[View]:
        return [view for stack in self.stacks.values() for view in stack] + list(self.homes.values())

    def _add(self, user: str, given: Json, below: list[View]) -> View:
        identity = self._workspace.id("V")
        view = View(
            identity, user, given, root=below[0].id if below else identity, previous=below[-1].id if below else None
        )
        self._fill(view, given)
        self.stacks[user] = [*below, view]
        self._tell("view_opened", view)
        return view

    def _fill(self, view: View, given: Json) -> None:
        blocks = with_ids(given["blocks"], lambda: self._workspace.id("", 5))
        fresh = initial_state(blocks)
        for block_id, actions in fresh.items():
            for action_id, state in actions.items():
                kept = view.state.get(block_id, {}).get(action_id)
                if kept is not None and kept["type"] == state["type"]:
                    actions[action_id] = kept
        view.given, view.state, view.errors = {**given, "blocks": blocks}, fresh, {}
        view.hash = f"{int(self._workspace.clock())}.{self._workspace.id('', 8)}"

    def _tell(self, kind: str, view: View) -> None:
        self._workspace.announce({"type": kind, "user": view.user, "view": self.shown(view)})
