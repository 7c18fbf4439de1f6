"""User groups of the workspace: usergroups.list and usergroups.users.list, for apps with the scope usergroups:read."""

from __future__ import annotations

from bot.sandbox.slack.api import Arguments, Method
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.people import Json


async def list_all(core: Core, arguments: Arguments) -> Json:
    """usergroups.list."""
    users, count = arguments.flag("include_users"), arguments.flag("include_count")
    shown = [each for each in core.workspace.groups.values() if each.enabled or arguments.flag("include_disabled")]
    return {"usergroups": [each.wire(users=users, count=count) for each in shown]}


async def users_list(core: Core, arguments: Arguments) -> Json:
    """usergroups.users.list."""
    group = core.workspace.groups.get(arguments.need("usergroup"))
    if group is None or not (group.enabled or arguments.flag("include_disabled")):
        raise Refused("no_such_subteam")
    return {"users": list(group.members)}


METHODS = {
    "usergroups.list": Method(list_all, "usergroups:read", a_minute=20),
    "usergroups.users.list": Method(users_list, "usergroups:read", a_minute=20),
}
