"""What it is run with: sound by tools that others made, and in accord with the program and with one another."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import tree_sitter_bicep
import yaml
from packaging.requirements import Requirement
from tree_sitter import Language, Node, Parser

from bot.ops.health import bare_routes
from bot.ops.probes import PATIENCE
from bot.settings import BotSettings
from bot.settings_file import SettingsError, load
from tests.skips import need

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = sorted(each for each in (DEPLOY / "kubernetes").glob("*.yaml") if each.name != "kustomization.yaml")
BICEP = sorted(DEPLOY.glob("*.bicep"))
VERSION = "1.33"
"""Of Kubernetes, one that is still maintained in all managed clusters."""


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def test_the_image_is_made_as_it_should_be() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: str(path.stem))
def test_kubernetes_knows_every_field(path: Path) -> None:
    kubernetes_validate.validate(read(path), VERSION, strict=True)


def test_all_of_it_is_applied_and_is_about_one_app() -> None:
    assert sorted(read(DEPLOY / "kubernetes/kustomization.yaml")["resources"]) == [path.name for path in KUBERNETES]
    deployment, service = read(DEPLOY / "kubernetes/deployment.yaml"), read(DEPLOY / "kubernetes/service.yaml")
    policy, settings = read(DEPLOY / "kubernetes/networkpolicy.yaml"), read(DEPLOY / "kubernetes/settings.yaml")
    pod = deployment["spec"]["template"]
    labels = {"app": "batchbot"}
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    assert labels.items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    bot = tomllib.loads(settings["data"]["batchbot.toml"])["bot"]
    assert bot["listen"].rpartition(":")[2] == str(ports["http"])
    assert bot["health_listen"].rpartition(":")[2] == str(ports["health"])
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    assert bot["database"].startswith("postgresql://"), "of which two may have one"
    asked = {each["name"] for each in container["env"]}
    assert f"{bot['database_password_env']}_FILE" in asked
    ports_out = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    assert {443, 5432} <= ports_out
    claims = {each["name"] for each in pod["spec"]["volumes"]}
    assert claims == {each["name"] for each in container["volumeMounts"]}


def probes() -> Iterator[tuple[str, dict[str, Any]]]:
    (container,) = read(DEPLOY / "kubernetes/deployment.yaml")["spec"]["template"]["spec"]["containers"]
    for kind in ("startup", "liveness", "readiness"):
        yield kind, container[f"{kind}Probe"]["httpGet"]


def test_probes_ask_what_the_program_answers() -> None:
    served = {route.path for route in bare_routes(None, None)}  # type: ignore[arg-type]  # asked for their paths only
    asked = {kind: each["path"] for kind, each in probes()}
    assert asked == {"startup": "/health", "liveness": "/health", "readiness": "/readyz"}
    assert set(asked.values()) <= served
    bicep = re.findall(r"type: '(\w+)'\s+httpGet: \{\s+path: '([^']+)'", text("container-apps.bicep"))
    assert {kind.lower(): path for kind, path in bicep} == asked
    assert "http://127.0.0.1:8080/health" in text("Dockerfile")


def test_the_cluster_gives_it_the_time_it_needs() -> None:
    deployment = read(DEPLOY / "kubernetes/deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["timeoutSeconds"] > PATIENCE, "the answer says which part does not work"
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] > 60
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["type"] == "RollingUpdate", "a new one stands by until an old one ends"
    budget = read(DEPLOY / "kubernetes/disruptionbudget.yaml")["spec"]
    assert budget["minAvailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_with_a_file_there_is_one_replica_and_its_disk() -> None:
    folder = DEPLOY / "kubernetes-file"
    kustomization = read(folder / "kustomization.yaml")
    assert kustomization["resources"] == ["../kubernetes", "volume.yaml"]
    assert sorted(each["path"] for each in kustomization["patches"]) == ["no-budget.yaml", "one.yaml"]
    kubernetes_validate.validate(read(folder / "volume.yaml"), VERSION, strict=True)
    merged = patched(read(DEPLOY / "kubernetes/deployment.yaml"), read(folder / "one.yaml"))
    kubernetes_validate.validate(merged, VERSION, strict=True)
    assert (merged["spec"]["replicas"], merged["spec"]["strategy"]) == (1, {"type": "Recreate"})
    pod = merged["spec"]["template"]["spec"]
    assert {each["name"] for each in pod["volumes"]} == {each["name"] for each in pod["containers"][0]["volumeMounts"]}
    gone = read(folder / "no-budget.yaml")
    assert gone.pop("$patch") == "delete"
    assert gone.items() <= read(DEPLOY / "kubernetes/disruptionbudget.yaml").items()


def patched(whole: Any, patch: Any) -> Any:
    """As kustomize merges: lists by the names of what is in them, a table with ``$patch: replace`` in its place."""
    if isinstance(whole, list) and isinstance(patch, list):
        found = {each["name"]: each for each in whole}
        return list((found | {each["name"]: patched(found.get(each["name"]), each) for each in patch}).values())
    if not (isinstance(whole, dict) and isinstance(patch, dict)):
        return patch
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    return whole | {name: patched(whole.get(name), value) for name, value in patch.items()}


def test_settings_of_the_cluster_want_only_what_is_in_brackets(tmp_path: Path) -> None:
    written = read(DEPLOY / "kubernetes/settings.yaml")["data"]["batchbot.toml"]
    filled = {
        "<account>": "renderprod",
        "<region>": "westeurope",
        "<your host>": "bot.example.com",
        "<subscription id>": "00000000-0000-0000-0000-000000000000",
        "<resource group>": "render",
        "<database server>": "db.example.com",
    }
    for name, value in filled.items():
        assert name in written
        written = written.replace(name, value)
    path = tmp_path / "batchbot.toml"
    path.write_text(written, encoding="utf-8")
    secrets = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s", "DATABASE_PASSWORD": "p"}
    settings = load(path, secrets)
    assert list(settings.accounts) == ["render"]
    with pytest.raises(SettingsError):
        load(path, {})


@pytest.mark.parametrize("path", BICEP, ids=lambda path: str(path.stem))
def test_bicep_can_be_parsed(path: Path) -> None:
    tree = Parser(Language(tree_sitter_bicep.language())).parse(path.read_bytes())
    assert [node.start_point for node in nodes(tree.root_node) if node.type == "ERROR" or node.is_missing] == []


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for each in node.children:
        yield from nodes(each)


def test_container_apps_have_two_running_and_know_the_settings_by_their_names() -> None:
    bicep = text("container-apps.bicep")
    assert re.findall(r"(minReplicas|maxReplicas): (\d+)", bicep) == [("minReplicas", "2"), ("maxReplicas", "2")]
    written = re.search(r"var bot = \[(.*?)\n\]", bicep, re.DOTALL)
    assert written
    keys = set(re.findall(r"'(\w+) = ", written[1]))
    assert keys <= set(BotSettings.__struct_fields__)
    assert {"database_entra", "listen", "public_url", "database"} == keys


def test_roles_are_those_that_the_page_names() -> None:
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    wanted = set(re.findall(r"`([0-9a-f]{8}-[0-9a-f-]{27})`", page))
    assigned = {
        role
        for path in BICEP
        for name, role in re.findall(r"var (\w+) = '([0-9a-f]{8}-[0-9a-f-]{27})'", path.read_text(encoding="utf-8"))
        if name not in {"acrPull", "keyVaultSecretsUser"}
    }
    assert assigned == wanted


def pinned(path: Path) -> dict[str, str]:
    """By the name of the library: its line, with what it is for and all its hashes."""
    blocks = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())
    return {re.split(r"[=\[; ]", block)[0].lower(): block for block in blocks if not block.startswith("#")}


def test_the_image_has_the_pinned_libraries_and_no_tests() -> None:
    image, all_ = pinned(DEPLOY / "requirements.txt"), pinned(ROOT / "constraints.txt")
    for name, block in image.items():
        hashes, known = (set(re.findall(r"sha256:\w+", each)) for each in (block, all_[name]))
        assert hashes == known, f"{name}: run `make lock`"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(each for name in ("postgresql", "mcp", "keyvault", "events") for each in extras[name]),
    ]
    assert {Requirement(each).name.lower() for each in wanted} <= set(image)
    assert not {"pytest", "mypy", "playwright"} & set(image)


def test_compose_names_what_the_settings_name() -> None:
    services = read(DEPLOY / "compose.yaml")["services"]
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    database = services["database"]["environment"]
    url = f'database = "postgresql://{database["POSTGRES_USER"]}@database:5432/{database["POSTGRES_DB"]}"'
    assert url in page
    assert 'database_password_env = "DATABASE_PASSWORD"' in page
    assert "DATABASE_PASSWORD" in database["POSTGRES_PASSWORD"]
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert services["batchbot"]["read_only"] is True
    mounted = services["batchbot"]["volumes"][0].split(":")[1]
    assert mounted in text("Dockerfile")


def test_the_service_of_systemd_is_one_and_starts_what_there_is(tmp_path: Path) -> None:
    need("systemd-analyze")
    unit = text("batchbot.service")
    program = Path(sys.executable).with_name("batchbot")
    made = tmp_path / "batchbot.service"
    made.write_text(unit.replace("/opt/batchbot/bin/batchbot", str(program)), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", made], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "batchbot.service" not in done.stderr, "not even a warning"
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).split()[1:]
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    for path in (command[command.index("--settings") + 1], "/etc/batchbot/batchbot.env", "/var/lib/batchbot"):
        assert path in unit
        assert path in page
    asked = subprocess.run(
        [program, *command[:-1], tmp_path / "none.toml"], capture_output=True, text=True, check=False
    )
    assert (asked.returncode, "RestartPreventExitStatus=2" in unit) == (2, True), "no mistake is tried for ever"
