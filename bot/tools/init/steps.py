"""What is left to do after the files are written: numbered, with the commands and where to click."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bot.azure.roles import ACCOUNT_READER, COST_READER, DATA_CONTRIBUTOR, METRICS_READER, BuiltInRole
from bot.tools.init.answers import Answers

PACKAGE, MANIFEST = "batchbot-teams.zip", "slack-manifest.yaml"
"""The files that are written beside the settings."""


class Step(NamedTuple):
    """One step: what is done, and how, a line each; commands are set in by four blanks."""

    what: str
    how: list[str]


def steps(answers: Answers, settings: str) -> list[Step]:
    """All of them, in the order in which they are done. ``settings`` is the file's name."""
    found = [_reader(answers)]
    if answers.change:
        found.append(_operator(answers))
    if answers.is_called:
        found.append(
            Step(
                f"Let {answers.public_url} lead to the bot",
                ["A proxy with a certificate passes these paths to 0.0.0.0:8080: docs/teams.md lists them, and why."],
            )
        )
    if answers.slack:
        found.append(_slack(answers))
    if answers.teams:
        found.append(_teams(answers, settings))
    if not answers.admin:
        found.append(Step("Say who is an admin", [_whoami(answers), f"Write the id into admins of {settings}."]))
    commands = [f"    batchbot {word}{_named(settings)}" for word in ("check", "doctor", "run")]
    return [*found, Step("Check the file, look at everything, and run it", commands)]


def _named(settings: str) -> str:
    """The option that names the file, where it is not the one that is read anyway."""
    return "" if settings == "batchbot.toml" else f" --settings {settings}"


def lines(found: list[Step]) -> Iterator[str]:
    """The steps as they are printed."""
    for number, step in enumerate(found, 1):
        yield f"{number}. {step.what}"
        yield from (f"   {line}" for line in step.how)
        yield ""


def _whoami(answers: Answers) -> str:
    if answers.slack:
        return "In Slack: your profile, ⋮, Copy member ID; written slack:U…. Once the bot runs, whoami shows it too."
    return "az ad signed-in-user show --query id, written teams:ID. Once the bot runs, whoami shows it too."


def _reader(answers: Answers) -> Step:
    resource = answers.resource
    above = f"/subscriptions/{resource['subscription']}"
    how = _made("batchbot-reader", answers, "client_id", answers.client_id)
    who = "READER" if not answers.client_id else _principal(answers.client_id)
    how += [
        "It reads the account, and changes nothing:",
        _assigned(who, ACCOUNT_READER, answers.account_id or ""),
        "VM sizes and quotas of the subscription, the bill, usage of the past (leave out what you do not want):",
        _assigned(who, ACCOUNT_READER, above),
        _assigned(who, COST_READER, above),
        _assigned(who, METRICS_READER, answers.account_id or ""),
    ]
    return Step("Give the bot an identity that reads the account", how)


def _operator(answers: Answers) -> Step:
    who = "OPERATOR" if not answers.write_client_id else _principal(answers.write_client_id)
    how = _made("batchbot-operator", answers, "write_client_id", answers.write_client_id)
    how += [
        "It may write pools, jobs, schedules and applications, and neither accounts nor their keys:",
        _assigned(who, DATA_CONTRIBUTOR, answers.account_id or ""),
        "Who may use it from the chat is said by admins, operators and [[grants]]: docs/permissions.md.",
    ]
    return Step("Give the bot another identity that changes the account", how)


def _made(name: str, answers: Answers, key: str, client_id: str | None) -> list[str]:
    """How the identity is made, where there is none yet."""
    if client_id:
        return [f"It is the managed identity {client_id}: assign it to the machine, container app or pod of the bot."]
    group = answers.resource["group"]
    shown = name.removeprefix("batchbot-").upper()
    return [
        f"    az identity create --resource-group {group} --name {name}",
        f"    {shown}=$(az identity show --resource-group {group} --name {name} --query principalId --output tsv)",
        "Assign it to the machine, container app or pod of the bot, and write its client id (--query clientId) as",
        f'{key} in the settings, with {key.replace("client_id", "credential")} = "managed_identity".',
    ]


def _principal(client_id: str) -> str:
    return f"$(az ad sp show --id {client_id} --query id --output tsv)"


def _assigned(who: str, role: BuiltInRole, scope: str) -> str:
    assignee = who if who.startswith("$") else f"${who}"
    return (
        f"    az role assignment create --assignee-object-id {assignee} --assignee-principal-type ServicePrincipal "
        f"--role {role.id} --scope {scope}  # {role.name}"
    )


def _slack(answers: Answers) -> Step:
    how = [
        "https://api.slack.com/apps, Create New App, From a manifest, your workspace; paste what is in "
        + MANIFEST
        + ".",
        "Install App, Install to Workspace, Allow; copy the Bot User OAuth Token:",
        "    export SLACK_BOT_TOKEN=xoxb-…",
    ]
    if answers.socket:
        how += [
            "Basic Information, App-Level Tokens, Generate Token and Scopes, add connections:write; copy the token:",
            "    export SLACK_APP_TOKEN=xapp-…",
        ]
    else:
        how += [
            "Basic Information, App Credentials, Signing Secret, Show; copy it:",
            "    export SLACK_SIGNING_SECRET=…",
            "Once the bot runs: Event Subscriptions, Request URL, Retry, so that Slack finds it.",
        ]
    return Step("Make the Slack app", [*how, "In each channel it is to answer in: /invite @batchbot"])


def _teams(answers: Answers, settings: str) -> Step:
    group, name = answers.resource["group"], "batchbot"
    app, tenant = answers.app_id or "$APP_ID", answers.tenant_id or "$TENANT_ID"
    how = _registered(answers, group, name)
    if not answers.tenant_id:
        how.append("    TENANT_ID=$(az account show --query tenantId --output tsv)")
    kind = "SingleTenant" if answers.client_secret else "UserAssignedMSI --msi-resource-id "
    if not answers.client_secret:
        kind += "IDENTITY_RESOURCE_ID" if answers.app_id else "$IDENTITY"
    how += [
        f"    az bot create --resource-group {group} --name {name} --appid {app} "
        f"--tenant-id {tenant} --app-type {kind} --endpoint {answers.public_url}/api/messages",
        f"    az bot msteams create --resource-group {group} --name {name}",
    ]
    if answers.client_secret:
        how += [
            f"    az ad app credential reset --id {app} --append --query password --output tsv",
            "    export TEAMS_CLIENT_SECRET=…",
        ]
    elif not answers.app_id:
        how.append("Assign the identity to the machine, container app or pod of the bot.")
    if not answers.is_registered:
        how += [
            f"Write both ids (echo {app} {tenant}) into [teams] of {settings}; then make {PACKAGE}:",
            f"    batchbot teams-package{_named(settings)}",
        ]
    return Step(
        "Register the bot for Teams, and upload its app",
        [
            *how,
            f"Teams admin centre, Teams apps, Manage apps, Upload new app: {PACKAGE}.",
            "In Teams: Apps, the bot, Add to a team or chat. It says hello there.",
        ],
    )


def _registered(answers: Answers, group: str, name: str) -> list[str]:
    """How the bot gets an application id, where it has none yet: https://learn.microsoft.com/cli/azure/bot."""
    if answers.app_id:
        return []
    if answers.client_secret:
        app = f"az ad app create --display-name {name} --sign-in-audience AzureADMyOrg"
        return [f"    APP_ID=$({app} --query appId --output tsv)"]
    shown = f"az identity show --resource-group {group} --name {name}"
    return [
        f"    az identity create --resource-group {group} --name {name}",
        f"    APP_ID=$({shown} --query clientId --output tsv) IDENTITY=$({shown} --query id --output tsv)",
    ]
