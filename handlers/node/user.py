"""Temporary users of a node, whose password only the asker sees, once; and where the node is logged in to."""

from __future__ import annotations

import secrets
import string
from datetime import timedelta

from bot.azure.account import Account
from bot.azure.models import Node, Pool, RemoteLogin
from bot.azure.writer import Writer
from bot.azure.writes import nodes
from bot.domain.states import word
from bot.operations.preflight import Fix, Preflight
from bot.requests.command import CommandError, command
from bot.requests.context import Context, no_writer
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import actions, blocks, code, facts, muted, note
from cards.card import Button, Card, Field, Mark, Time
from cards.text_fit import elide
from handlers.node.show import login_to
from handlers.shared.chosen_nodes import SHORT
from handlers.shared.common import line, titled
from handlers.shared.missing import finding_node
from handlers.shared.preflight import blocked, form_notes

_PATH = "node user"
_LENGTH = 24
_LONGEST_NAME, _MOST_DAYS = 20, 30
"""Characters of a user's name that Windows takes, and days after which nobody should need one any more."""
_READY = ("idle", "running")
"""States in which a node takes changes of its users ("Compute Node - Add User")."""


async def preflight(
    ctx: Context,
    pool: str,
    node: str,
    *,
    name: str | None = None,
    key: str | None = None,
    admin: bool = False,
    days: int = 1,
    account: str | None = None,
) -> Preflight:
    """Refuses what Azure would: a node that does not run, a key for Windows."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    if name and (len(name) > _LONGEST_NAME or not name.replace("-", "").replace("_", "").isalnum()):
        raise CommandError(f"A user's name has {_LONGEST_NAME} letters, digits, hyphens or underscores at most.")
    if not 1 <= days <= _MOST_DAYS:
        raise CommandError(f"A temporary user lasts 1 to {_MOST_DAYS} days.", ["help node user"])
    async with finding_node(ctx, source, pool, node):
        found = (await source.fetch(Node, source.node(pool, node), select="id,state")).value
    if found.state.lower() not in _READY:
        return Preflight(
            f"Node {elide(found.id, SHORT)} is {word(found.state)}: users are added only while it is idle or running.",
            fixes=(Fix("Node", line(ctx, source, "node show", pool, found.id)),),
        )
    if key and await _windows(source, pool):
        return Preflight("A node with Windows takes no SSH key: leave it out, and a password is made.")
    who = "an administrator" if admin else "a user"
    return Preflight(
        effects=(
            f"Whoever has its {'key' if key else 'password'} is {who} on the node, and sees all that its tasks see.",
        ),
        state=found.state,
    )


@command(
    _PATH,
    effect="change",
    azure=True,
    check="node show {pool} {node}",
    preflight=preflight,
    examples=["node user gpu tvmps_0f3_d", "node user gpu tvmps_0f3_d key:'ssh-ed25519 AAAA…' admin"],
)
async def add_user(
    ctx: Context,
    pool: str,
    node: str,
    *,
    name: str | None = None,
    key: str | None = None,
    admin: bool = False,
    days: int = 1,
    account: str | None = None,
) -> Card:
    """Add a temporary user to a node. You alone see the password, once; the bot keeps no copy of it.

    :param pool: the pool's id
    :param node: the node's id
    :param name: the user's name; one is made up where it is left out
    :param key: your public SSH key, instead of a password
    :param admin: make it an administrator
    :param days: for how many days, 1 to 30
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    writer = _writer(source)
    name = name or f"u{secrets.token_hex(3)}"
    password = "" if key else _password()
    expires = source.now() + timedelta(days=days)
    written = await nodes.add_user(
        writer, pool, node, name, password=password, ssh_key=key or "", admin=admin, expires=expires
    )
    login = await login_to(source, pool, node)
    return Card(
        title=titled(f"User {name} on node {elide(node, SHORT)}", "administrator" if admin else None),
        mark=Mark.DONE,
        as_of=written.at,
        private=True,
        secrets=(password,) if password else (),
        blocks=blocks(
            facts(
                ("Name", code(name)),
                ("Password", code(password) if password else None),
                ("Key", "your SSH key" if key else None),
                ("Until", Time(expires)),
                ("Log in", code(_how(login, name, windows=await _windows(source, pool))) if login else None),
                ("From outside", None if login else muted("it has no public address: log in from its network")),
            ),
            actions(
                Button("Delete user", line(ctx, source, "node delete-user", pool, node, name)),
                Button("Node", line(ctx, source, "node show", pool, node)),
            ),
            note("Only you see this, and only now: the password is kept nowhere.") if password else None,
        ),
    )


async def _look_at_node(ctx: Context, pool: str, node: str, name: str, *, account: str | None = None) -> Preflight:
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    async with finding_node(ctx, source, pool, node):
        found = (await source.fetch(Node, source.node(pool, node), select="id,state")).value
    if found.state.lower() not in _READY:
        return Preflight(f"Node {elide(found.id, SHORT)} is {word(found.state)}: its users cannot be changed now.")
    return Preflight(effects=(f"{name} can no longer log in.",), state=found.state)


@command(
    "node delete-user",
    effect="change",
    azure=True,
    check="node show {pool} {node}",
    preflight=_look_at_node,
    examples=["node delete-user gpu tvmps_0f3_d u1a2b3c"],
)
async def delete_user(ctx: Context, pool: str, node: str, name: str, *, account: str | None = None) -> Card:
    """Delete a user of a node before its time is over.

    :param pool: the pool's id
    :param node: the node's id
    :param name: the user's name
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    await nodes.delete_user(_writer(source), pool, node, name)
    return Card(
        title=titled(f"User {name} is deleted", f"node {elide(node, SHORT)}"),
        mark=Mark.DONE,
        as_of=source.now(),
        blocks=blocks(actions(Button("Node", line(ctx, source, "node show", pool, node)))),
    )


@form_of(
    _PATH,
    Field("pool", "Pool", "name", names="pool", required=True),
    Field("node", "Node", "name", names="node", required=True, refresh=True),
    Field("key", "Your public SSH key", default="a password is made", refresh=True),
    Field("admin", "Administrator", "flag", default="no", refresh=True),
    Field("days", "Days", "number", default="1", least=1, most=_MOST_DAYS),
    Field("name", "Name", default="made up", more=True),
)
async def user_form(ctx: Context, values: Values) -> FormChanges:
    """Says whether the node takes one, and what it can do."""
    pool, node = values.get("pool"), values.get("node")
    if not pool or not node:
        return FormChanges(submit="Add user")
    found = await preflight(
        ctx, pool, node, key=values.get("key"), admin=values.get("admin") == "true", account=values.get("account")
    )
    return form_notes(found, "node", submit="Add user")


def _writer(source: Account) -> Writer:
    if source.writer is None:
        raise CommandError(no_writer(source.name))
    return source.writer


def _password() -> str:
    """Letters and digits, some of each kind as Windows demands; 24 of them are beyond guessing."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    while True:
        made = "".join(secrets.choice("".join(kinds)) for _ in range(_LENGTH))
        if all(any(letter in kind for letter in made) for kind in kinds):
            return made


async def _windows(source: Account, pool: str) -> bool:
    found = (await source.fetch(Pool, source.pool(pool), select="id,virtualMachineConfiguration")).value
    machine = found.virtual_machine_configuration
    return bool(machine and machine.node_agent_sku_id.lower().startswith("batch.node.windows"))


def _how(login: RemoteLogin, name: str, *, windows: bool) -> str:
    where, port = login.remote_login_ip_address, login.remote_login_port
    return f"mstsc /v:{where}:{port}" if windows else f"ssh -p {port} {name}@{where}"
