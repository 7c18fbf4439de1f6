"""What the doctor says of installations in which one thing after another does not work, and the code it ends with."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest
from azure.core.exceptions import ClientAuthenticationError

from bot.chat.request import Conversation
from bot.doctor import examine as examining
from bot.doctor import storage as storage_looks
from bot.doctor import teams as teams_looks
from bot.doctor.examine import looked
from bot.doctor.finding import Look, fine
from bot.sandbox.slack.settings import SCOPES
from storage.opening import open_store
from storage.port.conversations import ConversationReference
from storage.sqlite import filesystem
from storage.sqlite.store import SqliteStore
from tests import postgresql
from tests.doctor.installation import CONTRIBUTOR, COST, METRICS, OPS, READER, answering, installation
from tests.webhooks.receivers import KEY, receiver


async def test_all_well_beside_a_running_bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is held meanwhile, and the bot answers; nothing is said twice in Slack, and no secret at all."""
    async with installation(tmp_path, monkeypatch) as here, answering(health=(200, '{"status": "ok"}')) as url:
        here.raw["bot"]["public_url"] = url
        await here.teams.install("general")
        room = here.teams.conversations["general"]["id"]
        await here.knows(room)
        let_go = SqliteStore.hold(here.database, 0)
        try:
            text, code = await here.doctor()
        finally:
            let_go()
        assert code == 0, text
        assert "✔ account tiny: may read: all 7 actions are allowed" in text
        assert "✔ slack: channel #batch-ops (C0BATCHOPS): a line was posted and deleted" in text
        assert "✔ teams: conversation Batch Ops: answers" in text
        assert "batchbot.db is sound, " in text
        assert f"; held by process {os.getpid()} on" in text
        assert f"▲ public address: {url} answers; Slack has to have {url}/slack/events; Teams has to have" in text
        assert text.endswith("19 looked at: 18 fine, 1 to look at, 0 that do not work.")
        assert not any(secret in text for secret in here.environment.values())
        said = here.slack.history_of(OPS, user="bot")
        assert [bool(each["deleted"]) for each in said] == [True]
        assert not here.teams.history_of("general", "bot"), "Teams is asked, and nothing is posted there"
        here.raw["audit"] = {"conversation": "slack:C0BATCHDEV"}
        text, code = await here.doctor(probe=False)
        assert "✔ slack: channel #batch-dev (C0BATCHDEV): the bot is in it" in text
        assert len(here.slack.history_of("C0BATCHDEV", user="bot")) == 0


async def test_settings_that_cannot_be_read_and_secrets_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation(tmp_path, monkeypatch) as here:
        here.raw["bot"]["zone"] = "Nowhere/Town"
        found, code = await here.findings()
        assert (code, found.keys()) == (2, {"settings"})
        assert "Nowhere/Town" in found["settings"]["found"]
        assert found["settings"]["todo"] == "write one such as Europe/Berlin"
        del here.raw["bot"]["zone"], here.environment["SLACK_BOT_TOKEN"]
        found, code = await here.findings()
        assert code == 1
        assert "SLACK_BOT_TOKEN" in found["settings"]["found"]
        assert "SLACK_BOT_TOKEN is missing or empty" in found["slack: bot"]["found"]
        assert found["account tiny: data plane"]["verdict"] == "fine", "nothing else is hidden by it"


async def test_azure_without_identity_role_or_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path, monkeypatch) as here:
        scope = f"/subscriptions/{here.facts.subscription}"
        resource = f"{scope}/resourceGroups/{here.facts.resource_group}/providers/Microsoft.Batch/batchAccounts/tiny"
        who = here.azure.tokens.principal_id
        here.azure.arm.permissions.grants = []
        found, code = await here.findings()
        may = found["account tiny: may read"]
        assert (code, may["verdict"]) == (1, "broken")
        assert "Microsoft.Batch/batchAccounts/pools/read: pools and nodes: watching, alerts, usage" in may["found"]
        assert "Microsoft.Batch/batchAccounts/jobs/read (data): jobs, tasks" in may["found"]
        assert may["todo"] == (
            "the smallest built-in role that has this is Azure Batch Account Reader "
            f"(11076f67-66f6-4be0-8f6b-f0609fd05cc9): az role assignment create --assignee {who} "
            f"--role 11076f67-66f6-4be0-8f6b-f0609fd05cc9 --scope {resource}"
        )
        bill = found["account tiny: may read, bill"]
        assert bill["verdict"] == "look"
        assert "Cost Management Reader (72fafb9e-0641-4937-9268-a91bfd8191a3)" in bill["todo"]
        assert bill["todo"].endswith(f"--scope {scope}")
        assert (
            "Monitoring Reader (43d0d8ad-25c7-4714-9337-8ba259a9fe05)"
            in found["account tiny: may read, metrics"]["todo"]
        )
        assert "Account Reader" in found["account tiny: may read, VM sizes"]["todo"]

        here.azure.arm.permissions.listed = False
        here.azure.faults["tiny"].load(
            json.dumps({"kind": "error", "status": 403, "code": "AuthorizationFailed"}).encode()
        )
        found, code = await here.findings()
        assert found["account tiny: data plane"]["verdict"] == "broken"
        assert "Azure Batch Account Reader" in found["account tiny: data plane"]["todo"]
        assert "does not list what the identity may do" in found["account tiny: may read"]["found"]
        here.azure.faults["tiny"].clear()

        here.account["resource_group"] = "elsewhere"
        found, code = await here.findings()
        assert "mend subscription, resource_group or account" in found["account tiny: control plane"]["todo"]

        monkeypatch.setenv("IDENTITY_HEADER", "wrong")
        found, code = await here.findings()
        assert code == 1
        assert "The bot cannot sign in to Azure for tiny." in found["account tiny: sign-in"]["found"]
        assert "Assign the managed identity to the machine" in found["account tiny: sign-in"]["todo"]
        assert found["slack: bot"]["verdict"] == "fine"


async def test_who_changes_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path, monkeypatch) as here:
        here.account["write_credential"] = "managed_identity"
        found, code = await here.findings()
        may = found["account tiny: may change"]
        assert (code, may["verdict"]) == (1, "broken")
        assert "Microsoft.Batch/batchAccounts/pools/write: pool create, resize" in may["found"]
        assert "Azure Batch Data Contributor (6aaa78f1-f7de-44ca-8722-c64a23943cae)" in may["todo"]

        here.azure.arm.permissions.grants = [READER, COST, METRICS, CONTRIBUTOR]
        found, code = await here.findings()
        assert code == 0
        assert "not the accounts themselves and their keys" in found["account tiny: may change"]["found"]
        excess = found["account tiny: may read, more than it needs"]
        assert "it could also change the account" in excess["found"]
        assert "write_credential" in excess["todo"]

        here.account.update(credential="shared_key", key_env="KEY", write_credential="")
        here.environment["KEY"] = here.facts.keys[0]
        text, code = await here.doctor()
        assert code == 0
        assert "▲ account tiny: sign-in: signs with the account's key, which is full access to the account" in text
        assert "▲ account tiny: control plane: Resource Manager takes no account key" in text
        assert here.facts.keys[0] not in text
        here.environment["KEY"] = "bm90IHRoaXMga2V5"
        found, code = await here.findings()
        assert (code, found["account tiny: data plane"]["verdict"]) == (1, "broken")


@pytest.mark.parametrize(("minutes", "verdict", "words"), [(10, "broken", "behind"), (-1, "look", "ahead of")])
async def test_a_clock_that_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int, verdict: str, words: str
) -> None:
    async with installation(tmp_path, monkeypatch, skew=timedelta(minutes=minutes)) as here:
        del here.raw["alerts"], here.raw["teams"]
        found, code = await here.findings()
        clock = found["account tiny: clock"]
        assert (clock["verdict"], code) == (verdict, int(verdict == "broken"))
        assert f"s {words} Azure's" in clock["found"]
        assert "NTP" in clock["todo"]


async def test_slack_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scopes = (SCOPES - {"groups:read", "links:write"}) | {"chat:write.public"}
    async with installation(tmp_path, monkeypatch, scopes=scopes) as here:
        del here.raw["teams"]
        slack = here.slack
        private = slack.create_channel("secret-ops", private=True, bot=False)
        here.raw["alerts"]["channels"] += ["slack:C0RANDOM1", f"slack:{private}", "slack:C0BATCHDEV"]
        slack.archive("batch-dev")
        text, code = await here.doctor()
        assert code == 1
        assert "✖ slack: scopes: missing: groups:read" in text
        assert "▲ slack: scopes: superfluous: chat:write.public" in text
        assert "▲ slack: links: get no card, missing: links:write\n    → update the app's manifest" in text
        assert (
            "✖ slack: channel #random (C0RANDOM1): the bot is not in it\n    → invite the bot: write /invite @" in text
        )
        assert f"✖ slack: channel {private}: Slack refuses: channel_not_found\n    → check the id; a private" in text
        assert "✖ slack: channel #batch-dev (C0BATCHDEV): is archived" in text
        assert "✔ slack: channel #batch-ops" in text

        slack.faults.errors = {"chat.delete": ["cant_delete_message"]}
        found, _ = await here.findings()
        assert "did not delete the line again" in found["slack: channel #batch-ops (C0BATCHOPS)"]["found"]
        slack.faults.errors = {"conversations.info": ["missing_scope"]}
        found, _ = await here.findings(probe=False)
        assert any("missing_scope" in each["found"] for each in found.values())
        slack.revoke_token()
        found, code = await here.findings()
        assert "token_revoked" in found["slack: bot"]["found"]
        assert "install the app again" in found["slack: bot"]["todo"]
        slack.reinstall()
        here.environment["SLACK_BOT_TOKEN"] = slack.settings.app_token
        found, code = await here.findings()
        assert "xoxb-" in found["slack: bot"]["todo"]
        slack.faults.outage = True
        found, code = await here.findings()
        assert "Slack answers 503" in found["slack: bot"]["found"]
        slack.faults.outage, slack.faults.cut = False, True
        found, code = await here.findings()
        assert "does not answer" in found["slack: bot"]["found"]


async def test_socket_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path, monkeypatch, socket_mode=True) as here:
        del here.raw["teams"], here.raw["bot"]["public_url"]
        here.raw["slack"]["mode"] = "socket"
        found, code = await here.findings()
        assert code == 0
        assert found["slack: Socket Mode"]["found"] == "the app-level token opens a socket"
        assert "none is needed" in found["public address"]["found"]
        here.environment["SLACK_APP_TOKEN"] = "xapp-of-somebody-else"
        found, code = await here.findings()
        assert (code, found["slack: Socket Mode"]["verdict"]) == (1, "broken")


async def test_teams_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path, monkeypatch) as here:
        del here.raw["slack"]
        room = here.teams.conversations["general"]["id"]
        here.raw["alerts"] = {"channels": [f"teams:{room}", "teams:19:elsewhere@thread.tacv2"]}
        found, code = await here.findings()
        assert code == 0
        assert "the bot was never seen there" in found[f"teams: conversation {room}"]["found"]
        await here.knows(room)
        found, code = await here.findings()
        assert (code, found["teams: conversation Batch Ops"]["verdict"]) == (1, "broken")
        assert "BotNotInConversationRoster" in found["teams: conversation Batch Ops"]["found"]
        assert "add the app there again" in found["teams: conversation Batch Ops"]["todo"]
        await here.knows(room, service_url="https://example.org/")
        found, code = await here.findings()
        assert "none that a token is sent to" in found["teams: conversation Batch Ops"]["found"]
        here.raw["teams"]["tenant_id"] = "00000000-0000-0000-0000-000000000009"
        found, code = await here.findings()
        assert found["teams: registration"]["todo"] == "mend teams.tenant_id"
        here.raw["teams"]["app_id"] = "00000000-0000-0000-0000-000000000008"
        here.account.update(write_credential="managed_identity", write_client_id=here.raw["teams"]["app_id"])
        found, code = await here.findings()
        assert "assign the identity whose client id is teams.app_id" in found["teams: registration"]["todo"]
        assert "(write_client_id)" in found[f"account {here.name}: sign-in to change it"]["todo"]


async def test_a_client_secret_of_teams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory is not played here, so the credential is one that gives the sandbox's tokens, or refuses."""
    async with installation(tmp_path, monkeypatch) as here:
        del here.raw["slack"], here.raw["alerts"]
        here.raw["teams"] |= {"credential": "client_secret", "secret_env": "TEAMS_SECRET"}
        here.environment["TEAMS_SECRET"] = "a-secret-of-teams"

        class Directory:
            refuses = ""

            async def get_token(self, scope: str) -> object:
                if self.refuses:
                    raise ClientAuthenticationError(message=self.refuses)
                resource = scope.removesuffix("/.default")
                return type("Token", (), {"token": here.azure.tokens.issue(resource), "expires_on": 0})

            async def close(self) -> None: ...

        directory = Directory()
        monkeypatch.setattr(teams_looks, "credential_of", lambda *_: directory)
        found, code = await here.findings()
        assert code == 0
        assert "cannot be read without Graph's permission" in found["teams: client secret"]["found"]
        assert here.teams.graph.calls == 0
        here.raw["access"] = {"viewers": ["teams:group:00000000-0000-0000-0000-000000000001"]}
        found, _ = await here.findings()
        assert "(Graph answers 403)" in found["teams: client secret"]["found"]
        here.teams.graph.reads_applications = True
        for days, verdict, words in (
            (200, "fine", "in 199 days"),
            (20, "look", "in 19 days"),
            (-2, "broken", "expired"),
        ):
            here.teams.graph.secrets = [(datetime.now(UTC) + timedelta(days=days)).isoformat()]
            found, code = await here.findings()
            assert (found["teams: client secret"]["verdict"], code) == (verdict, int(days < 0))
            assert words in found["teams: client secret"]["found"]
        directory.refuses = "AADSTS7000215: Invalid client secret provided. a-secret-of-teams"
        text, code = await here.doctor()
        assert code == 1
        assert "AADSTS7000215: Invalid client secret provided" in text
        assert "a-secret-of-teams" not in text


async def test_a_database_that_is_not_as_it_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path, monkeypatch) as here:
        del here.raw["alerts"], here.raw["teams"]
        monkeypatch.setattr(filesystem, "MOUNTS", mounts := tmp_path / "mounts")
        mounts.write_text("/dev/sda / ext4 rw 0 0\n")
        (tmp_path / "data").rmdir()
        found, code = await here.findings()
        assert (code, found["storage: place"]["verdict"]) == (1, "broken")
        assert "there is no folder" in found["storage: place"]["found"]
        found, code = await here.findings(fix=True)
        assert code == 0
        assert found["mended"]["found"] == f"made the folder {tmp_path / 'data'}"
        await here.knows("19:general@thread.tacv2")
        here.database.chmod(0o644)
        here.file.chmod(0o666)
        (token := tmp_path / "slack-token").write_text(here.environment["SLACK_BOT_TOKEN"], encoding="utf-8")
        token.chmod(0o604)
        del here.environment["SLACK_BOT_TOKEN"]
        here.environment["SLACK_BOT_TOKEN_FILE"] = str(token)
        found, code = await here.findings()
        assert "can read batchbot.db" in found["storage: file mode"]["found"]
        assert "who is an admin" in found["settings: file mode"]["found"]
        assert found["settings: secret files"]["found"] == f"everybody on this machine can read {token}"
        text, code = await here.doctor(fix=True)
        assert "✔ mended: nobody but its owner can read" in text
        assert "✔ mended: nobody but its owner can write" in text
        assert stat.S_IMODE(here.database.stat().st_mode) == 0o600
        assert stat.S_IMODE(here.file.stat().st_mode) == 0o644
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert "file mode" not in (await here.doctor())[0]

        mounts.write_text(f"/dev/sda / ext4 rw 0 0\n//files/share {tmp_path} cifs rw 0 0\n")
        found, code = await here.findings()
        assert code == 1
        assert "on a network file system (cifs)" in found["storage: place"]["found"]
        mounts.write_text("/dev/sda / ext4 rw 0 0\n")
        monkeypatch.setattr(storage_looks, "LOW", 10**18)
        found, code = await here.findings()
        assert (found["storage: disk"]["verdict"], code) == ("look", 0)
        monkeypatch.setattr(storage_looks, "VERY_LOW", 10**17)
        found, code = await here.findings()
        assert (found["storage: disk"]["verdict"], code) == ("broken", 1)
        here.database.write_bytes(b"no database" * 500)
        found, code = await here.findings()
        assert found["storage: database"]["todo"] == "restore a backup, or move the file away to start afresh"


async def test_a_database_of_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgresql.database() as url:
        async with installation(tmp_path, monkeypatch) as here:
            here.raw["bot"]["database"] = url
            store, let_go = open_store(url, hold=0)
            room = Conversation("teams", "19:a@thread.tacv2", name="Batch Ops", service_url="https://example.org/")
            body = msgspec.json.encode(room)
            await store.put_conversation(ConversationReference("teams", room.id, body, datetime.now(UTC)))
            await store.put_preference("subscription", "slack:C0BATCHDEV", "all", b"{}", datetime.now(UTC))
            try:
                found, _ = await here.findings(fix=True)
            finally:
                await store.close()
                let_go()
            database = found["storage: database"]
            assert database["verdict"] == "fine"
            assert f"held by process {os.getpid()} on" in database["found"]
            assert "slack: channel #batch-dev (C0BATCHDEV)" in found, "it is subscribed in the database"
            assert "teams: conversation Batch Ops" in found
            assert not {"storage: place", "storage: disk", "storage: file mode", "mended"} & found.keys()
            found, _ = await here.findings()
            assert "nobody holds it" in found["storage: database"]["found"]
            with psycopg.connect(url, autocommit=True) as admin:
                admin.execute("DROP ROLE IF EXISTS reads_only")
                admin.execute("CREATE ROLE reads_only LOGIN")
                admin.execute("REVOKE CREATE ON SCHEMA public FROM public")
                admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reads_only")
            here.raw["bot"]["database"] = url.replace("batchbot@", "reads_only@").replace(
                "user=batchbot", "user=reads_only"
            )
            found, code = await here.findings()
            assert (code, found["storage: rights"]["verdict"]) == (1, "broken")
            assert "may not make and change tables in the schema public" in found["storage: rights"]["found"]
            here.raw["bot"]["database"] = "postgresql://batchbot@127.0.0.1:9/batchbot"
            found, code = await here.findings()
            assert (code, found["storage: database"]["verdict"]) == (1, "broken")
            assert "127.0.0.1:9/batchbot: the server does not answer" in found["storage: database"]["found"]
            here.raw["bot"]["database_password_env"] = "DATABASE_PASSWORD"
            found, code = await here.findings()
            assert "DATABASE_PASSWORD is missing" in found["storage: database"]["found"]


async def test_addresses_that_do_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path, monkeypatch) as here:
        del here.raw["alerts"]
        here.raw["bot"]["prices_url"] = "http://127.0.0.1:9/prices"
        found, code = await here.findings()
        assert (code, found["prices"]["verdict"], found["public address"]["verdict"]) == (0, "look", "look")
        await here.knows("19:general@thread.tacv2")
        let_go = SqliteStore.hold(here.database, 0)
        found, _ = await here.findings()
        let_go()
        assert found["public address"]["verdict"] == "broken", "a bot runs, and is not reached"
        here.raw["bot"]["prices_url"] = ""
        async with answering() as url:
            here.raw["bot"]["public_url"] = url
            found, _ = await here.findings()
            assert "answers, but not as this program" in found["public address"]["found"]
            assert "/slack/events, /api/messages" in found["public address"]["todo"]
        async with answering(slack_events=(401, "")) as url:  # a proxy that keeps /health inside
            here.raw["bot"]["public_url"] = url
            found, _ = await here.findings()
            assert f"{url} answers" in found["public address"]["found"]
            assert found["prices"]["found"] == "switched off (bot.prices_url is empty)"


async def test_what_hangs_or_breaks_down_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs() -> list[object]:
        await asyncio.Event().wait()
        return []

    async def breaks() -> list[object]:
        raise LookupError("token=xoxb-1234567890-abcdefghijklmnop")

    [late] = await looked(Look("a thing", hangs, 0.01))  # type: ignore[arg-type]
    assert (late.verdict, late.found) == ("broken", "no answer within 0.01 s")
    [failed] = await looked(Look("another", breaks))  # type: ignore[arg-type]
    assert failed.found.startswith("looking at it failed: LookupError")
    assert "abcdefghijklmnop" not in failed.found
    async with installation(tmp_path, monkeypatch) as here:
        monkeypatch.setattr(examining.reach, "prices", breaks)
        found, code = await here.findings()
        assert (code, found["prices"]["verdict"]) == (1, "broken")
        assert found["slack: bot"]["verdict"] == "fine"
        assert fine("a", "b").todo == ""


async def test_webhooks_are_sent_an_event_that_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path, monkeypatch) as here, receiver() as there:
        here.environment["PAGER_KEY"] = KEY
        here.raw["[webhooks]"] = {"name": "pager", "url": there.url, "secret_env": "PAGER_KEY"}
        found, _ = await here.findings()
        assert found["webhook pager"]["verdict"] == "fine"
        assert there.types == ["probe"]
        for status, verdict, todo in (
            (503, "look", "its events wait"),
            (401, "broken", "verifies signatures"),
            (422, "broken", "types that it does not know"),
            (410, "broken", "take it out"),
        ):
            there.then(status)
            found, _ = await here.findings()
            told = found["webhook pager"]
            assert (told["verdict"], told["found"]) == (verdict, f"it answers {status}")
            assert todo in told["todo"]
        found, _ = await here.findings(probe=False)
        assert "was not called" in found["webhook pager"]["found"]
        assert len(there.asked) == 5
        assert KEY not in str(found)
