"""What is wrong with ``[[webhooks]]`` is said before anything starts, and no key and no secret address is repeated."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from bot.settings import SettingsError
from bot.settings_file import check
from tests.webhooks.receivers import ENVIRONMENT, KEY

BASE: dict[str, Any] = {
    "accounts": {
        "render": {
            "endpoint": "https://render.northcentralus.batch.azure.com",
            "subscription": "1b8cf09e-3b5c-4a8e-9d5c-0d0a5b1e9d11",
            "resource_group": "render",
        }
    }
}
SECRET_URL = "https://prod-1.logic.example.com/workflows/invoke?sig=c2VjcmV0c2VjcmV0c2VjcmV0"


def mistakes(*webhooks: dict[str, Any], **environment: str) -> list[str]:
    try:
        check({**BASE, "webhooks": [*webhooks]}, {**ENVIRONMENT, **environment})
    except SettingsError as error:
        return error.lines
    return []


def hook(**more: Any) -> dict[str, Any]:
    return {"name": "pager", "url": "https://pager.example.com/x", "secret_env": "PAGER_KEY", **more}


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    assert mistakes(hook()) == []
    assert mistakes(hook(secret_env="MOUNTED"), MOUNTED_FILE=str(file)) == []
    assert mistakes(hook(url="", url_env="WHERE"), WHERE=SECRET_URL) == []
    assert mistakes(hook(url="http://127.0.0.1:9/x", events=["opened"], transitions=["node"], severity="info")) == []
    assert mistakes(hook(), hook(name="second", networks=["10.0.0.0/8", "fd00::/8"])) == []


@pytest.mark.parametrize(
    ("webhook", "said"),
    [
        (hook(name="Pager 1"), "webhooks 1.name: 'Pager 1': a name has a-z, 0-9 and -"),
        (hook(url="http://pager.example.com"), "webhooks 1.url: http is allowed on this machine (loopback) only"),
        (hook(url="https://pager.example.com/?key=1"), "webhooks 1.url: an address here has no user, query"),
        (hook(url="ftp://x"), "webhooks 1.url: 'ftp://x' is not an address"),
        (hook(url=""), "webhooks 1.url: write url, or name in url_env"),
        (hook(url_env="WHERE"), "webhooks 1.url: write url, or name in url_env"),
        (hook(url="", url_env="HTTP"), "webhooks 1.url_env: environment variable HTTP: holds no https address"),
        (hook(url="", url_env="NONE"), "webhooks 1.url_env: environment variable NONE is missing or empty"),
        (hook(secret_env="NONE"), "webhooks 1.secret_env: environment variable NONE is missing or empty"),
        (hook(secret_env="SHORT"), "environment variable SHORT holds no key for webhooks: it has to be whsec_ and 24"),
        (hook(secret_env="BARE"), "environment variable BARE holds no key for webhooks"),
        (hook(secret_env="TORN"), "environment variable TORN holds no key for webhooks"),
        (hook(previous_secret_env="SHORT"), "environment variable SHORT holds no key"),
        (hook(networks=["10.0.0.1/8"]), "webhooks 1.networks: '10.0.0.1/8' is no network"),
        (hook(events=["closed"]), "webhooks 1.events"),
        (hook(timeout_seconds=0), "webhooks 1.timeout_seconds"),
        (hook(colour="red"), "webhooks 1.colour: unknown key"),
    ],
)
def test_what_is_wrong_is_said(webhook: dict[str, Any], said: str) -> None:
    held = {
        "SHORT": "whsec_" + base64.b64encode(b"too short").decode(),
        "BARE": base64.b64encode(bytes(32)).decode(),
        "TORN": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*",
        "HTTP": "http://inner.example.com/hook?sig=c2VjcmV0c2VjcmV0",
        "WHERE": SECRET_URL,
    }
    lines = mistakes(webhook, **held)
    assert any(said in each for each in lines), lines
    assert not any(value in line for line in lines for value in held.values())


def test_two_of_one_name_are_told_apart() -> None:
    assert mistakes(hook(), hook()) == ["webhooks 2.name: another webhook is called pager: give it another name"]
