"""The first settings file: asked for or given by options, checked, examined against the stand-ins."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from bot.doctor.command import doctor
from bot.requests.registry import Registry
from bot.settings import SettingsError
from bot.settings_file import load
from bot.tools.init.answers import Answers, Question, complete
from bot.tools.init.command import init
from bot.tools.init.file import settings_of, text_of
from tests.commands import every_command
from tests.doctor.installation import APP, CONTRIBUTOR, COST, METRICS, OPS, READER, installation
from tests.test_cli import batchbot

ACCOUNT = (
    "/subscriptions/8276f66a-7564-5b29-b8f6-57f4ce30b194/resourceGroups/render"
    "/providers/Microsoft.Batch/batchAccounts/renderprod"
)
ENDPOINT = "renderprod.northcentralus.batch.azure.com"
GIVEN = Answers(account_id=ACCOUNT, endpoint=ENDPOINT)
ENVIRONMENT = {"SLACK_BOT_TOKEN": "a", "SLACK_APP_TOKEN": "b", "SLACK_SIGNING_SECRET": "c", "TEAMS_CLIENT_SECRET": "d"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return every_command()


def answers(**more: str | bool) -> Answers:
    return complete(Answers(account_id=ACCOUNT, endpoint=ENDPOINT, **more), None)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"change": True, "client_id": APP, "write_client_id": APP, "admin": "slack:U012AB3CD"},
        {"socket": False, "public_url": "https://bot.example.com", "channel": "slack:C012AB3CD"},
        {"slack": False, "teams": True, "app_id": APP, "tenant_id": APP, "public_url": "bot.example.com"},
        {"teams": True, "app_id": APP, "tenant_id": APP, "public_url": "https://b.example.com", "client_secret": True},
    ],
)
def test_what_it_writes_passes_check_and_is_what_was_answered(
    tmp_path: Path, registry: Registry, more: dict[str, str | bool]
) -> None:
    file = tmp_path / "batchbot.toml"
    given = Answers(account_id=ACCOUNT, endpoint=ENDPOINT, **more)  # type: ignore[arg-type]
    told = init(file, given, None, registry)
    settings = load(file, ENVIRONMENT)
    account = settings.accounts["renderprod"]
    assert (account.endpoint, account.resource_group, account.batch_name) == (
        f"https://{ENDPOINT}",
        "render",
        "renderprod",
    )
    assert account.client_id == more.get("client_id", "")
    assert bool(account.write_credential) is more.get("change", False)
    slack, teams = more.get("slack", True), more.get("teams", False)
    assert {*settings.platforms} == ({"slack"} if slack else set()) | ({"teams"} if teams else set())
    if slack:
        manifest = yaml.safe_load((tmp_path / "slack-manifest.yaml").read_text(encoding="utf-8"))
        socket = manifest["settings"]["socket_mode_enabled"]
        assert socket is (settings.platforms["slack"].mode == "socket")  # type: ignore[attr-defined]
        assert ("SLACK_APP_TOKEN" if socket else "SLACK_SIGNING_SECRET") in told
        address = manifest["settings"]["event_subscriptions"].get("request_url", "")
        assert address == ("" if socket else f"{settings.bot.public_url}/slack/events")
    if teams:
        with zipfile.ZipFile(tmp_path / "batchbot-teams.zip") as package:
            assert json.loads(package.read("manifest.json"))["bots"][0]["botId"] == APP
        assert f"--endpoint {settings.bot.public_url}/api/messages" in told
        assert ("az ad app credential reset" in told) is bool(more.get("client_secret"))
    numbers = [line.partition(".")[0] for line in told.splitlines() if line[:1].isdigit()]
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert "--role 11076f67-66f6-4be0-8f6b-f0609fd05cc9 --scope " + ACCOUNT in told
    assert ("--role 6aaa78f1-f7de-44ca-8722-c64a23943cae" in told) is more.get("change", False)


@pytest.mark.parametrize(("secret", "made"), [(True, "az ad app create"), (False, "az identity create")])
def test_a_bot_that_is_not_registered_yet_is_registered_by_what_is_left(
    tmp_path: Path, registry: Registry, *, secret: bool, made: str
) -> None:
    """Nobody has the ids of an app before the step that makes it: the file waits for them, and so does the package."""
    file = tmp_path / "batchbot.toml"
    typed = iter(["n", "y", "y", "bot.example.com", "", "", "y" if secret else "n", "", "", ""])
    told = init(file, GIVEN, lambda question, wrong: next(typed), registry)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["batchbot.toml", "slack-manifest.yaml"]
    with pytest.raises(SettingsError) as mistakes:
        load(file, ENVIRONMENT)
    assert [line.partition(":")[0] for line in mistakes.value.lines] == ["teams.app_id", "teams.tenant_id"]
    step = told[told.index("Register the bot for Teams") : told.index("Say who is an admin")]
    made_at, used_at = step.index(made), step.index("az bot create")
    assert made_at < step.index("TENANT_ID=$(az account show") < used_at < step.index("batchbot teams-package")
    assert "--appid $APP_ID --tenant-id $TENANT_ID" in step
    assert ("--id $APP_ID --append" in step) is secret
    assert ("--msi-resource-id $IDENTITY " in step) is not secret
    text = file.read_text(encoding="utf-8").replace("…", APP)
    file.write_text(text, encoding="utf-8")
    assert load(file, ENVIRONMENT).platforms.keys() == {"slack", "teams"}


def test_it_asks_again_until_an_answer_fits(tmp_path: Path, registry: Registry) -> None:
    typed = iter(
        ["/nope", ACCOUNT, "ftp://x", ENDPOINT, "perhaps", "y", "", "n", "", "", "", "C0", "slack:C012AB3CD", ""]
    )
    asked: list[tuple[str, str]] = []

    def ask(question: Question, wrong: str) -> str:
        asked.append((question.option, wrong))
        return next(typed)

    init(tmp_path / "batchbot.toml", Answers(), ask, registry)
    settings = load(tmp_path / "batchbot.toml", ENVIRONMENT)
    assert settings.alerts.channels == ["slack:C012AB3CD"]
    assert settings.accounts["renderprod"].write_credential == "default"
    again = {option: wrong for option, wrong in asked if wrong}
    assert again.keys() == {"--account-id", "--endpoint", "--change", "--channel"}
    assert again["--change"] == "answer y or n"
    assert again["--account-id"].startswith("this is no id of a Batch account")
    assert not {option for option, _ in asked} & {"--app-id", "--tenant-id", "--public-url"}, (
        "nothing needless is asked"
    )


def test_nothing_is_overwritten_and_nothing_is_written_where_anything_is_wrong(
    tmp_path: Path, registry: Registry
) -> None:
    file = tmp_path / "batchbot.toml"
    wrong = Answers(account_id="render", teams=True, app_id="mine", tenant_id=APP, public_url="http://bot", admin="me")
    with pytest.raises(SettingsError) as told:
        init(file, wrong, None, registry)
    assert [line.partition(":")[0] for line in told.value.lines] == [
        *("--account-id", "--endpoint", "--public-url", "--app-id", "--admin"),
    ]
    with pytest.raises(SettingsError, match="the bot needs one of them"):
        init(file, Answers(account_id=ACCOUNT, endpoint=ENDPOINT, slack=False), None, registry)
    assert not [*tmp_path.iterdir()]
    (tmp_path / "slack-manifest.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"slack-manifest\.yaml: is there already"):
        init(file, GIVEN, None, registry)
    assert [each.name for each in tmp_path.iterdir()] == ["slack-manifest.yaml"]
    with pytest.raises(SettingsError, match="cannot be written"):
        init(tmp_path / "missing" / "batchbot.toml", GIVEN, None, registry)


def test_an_account_whose_endpoint_has_another_name_is_named(tmp_path: Path) -> None:
    text = text_of(complete(Answers(account_id=ACCOUNT, endpoint="https://other.westeurope.batch.azure.com"), None))
    assert settings_of(text).accounts["renderprod"].batch_name == "renderprod"
    assert 'account = "' not in text_of(answers())


async def test_from_nothing_to_all_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    """init, check, doctor; the addresses of the stand-ins are put in by hand, which a real installation needs not."""
    async with installation(tmp_path, monkeypatch, socket_mode=True) as here:
        here.azure.arm.permissions.grants = [READER, COST, METRICS]
        account = (
            f"/subscriptions/{here.facts.subscription}/resourceGroups/{here.facts.resource_group}"
            f"/providers/Microsoft.Batch/batchAccounts/{here.name}"
        )
        given = Answers(
            account_id=account, endpoint=here.azure.endpoints[here.name], client_id=APP, channel=f"slack:{OPS}"
        )
        told = init(here.file, given, None, registry)
        assert str(tmp_path / "slack-manifest.yaml") in told
        text = here.file.read_text(encoding="utf-8")
        text = text.replace("[bot]", f'[bot]\nprices_url = "{here.azure.prices_url}"\ndatabase = "{here.database}"')
        text = text.replace("\ncredential", f'\narm_endpoint = "{here.azure.arm_url}"\ncredential')
        text = text.replace("[slack]", f'[slack]\napi_url = "{here.slack.api_url}"')
        here.file.write_text(text, encoding="utf-8")
        assert load(here.file, here.environment).accounts.keys() == {here.name}
        said, code = await doctor(here.file, here.environment)
        assert code == 0, said
        assert "▲" not in said
        assert "✔ slack: channel #batch-ops (C0BATCHOPS): a line was posted and deleted" in said

        (tmp_path / "slack-manifest.yaml").unlink()
        here.file.unlink()
        init(
            here.file, Answers(account_id=account, endpoint=given.endpoint, change=True, client_id=APP), None, registry
        )
        here.azure.arm.permissions.grants.append(CONTRIBUTOR)
        text = here.file.read_text(encoding="utf-8")
        text = text.replace("\ncredential", f'\narm_endpoint = "{here.azure.arm_url}"\ncredential')
        here.file.write_text(text.replace('"default"', '"managed_identity"'), encoding="utf-8")
        said, code = await doctor(here.file, here.environment, probe=False)
        assert f"✔ account {here.name}: may change: all 9 actions are allowed" in said


def test_as_its_user_starts_it(tmp_path: Path) -> None:
    typed = f"{ACCOUNT}\n{ENDPOINT}\n" + "\n" * 7
    done = batchbot("init", typed=typed, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Connect Slack [Y/n]: " in done.stdout
    assert "1. Give the bot an identity that reads the account" in done.stdout
    assert batchbot("check", folder=tmp_path, environment=ENVIRONMENT).returncode == 0
    done = batchbot("init", typed=typed, folder=tmp_path)
    assert done.returncode == 2
    assert "batchbot.toml: is there already" in done.stderr
    (tmp_path / "other").mkdir()
    done = batchbot("init", folder=tmp_path / "other")
    assert (done.returncode, "nobody answered: give it, or --yes" in done.stderr) == (2, True)
    assert not [*(tmp_path / "other").iterdir()]
