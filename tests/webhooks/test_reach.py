"""No webhook leads to a machine of the inside, by an address, a name, or an address within an address."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiohttp.resolver import ThreadedResolver

from bot.webhooks.calls import Receiver
from bot.webhooks.reach import allowed
from bot.webhooks.settings import WebhookSettings
from tests.webhooks.receivers import ENVIRONMENT, receiver

INSIDE = (
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "127.0.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "64:ff9b:1::a9fe:a9fe",
    "::a9fe:a9fe",
    "fec0::1",
    "5f00::1",
    "192.0.0.192",
    "168.63.129.16",
)


@pytest.mark.parametrize("address", INSIDE)
async def test_addresses_of_the_inside_are_refused_unless_the_settings_say_so(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not allowed(address, [], here=False)

    async def found(self: Any, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [{"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}]

    monkeypatch.setattr(ThreadedResolver, "resolve", found)
    hosts = ["pager.example.com", f"[{address}]" if ":" in address else address]
    for host in hosts if "%" not in address else hosts[:1]:
        if host in ("127.0.0.1", "[::1]"):
            continue  # whoever writes this machine's address means it
        told = Receiver(WebhookSettings(name="x", url=f"https://{host}/e", secret_env="PAGER_KEY"), ENVIRONMENT)
        answer = await told.call("1", b"{}")
        await told.close()
        assert answer.meaning == "barred", host
        assert "not of the public internet" in answer.code
        assert address not in answer.code


def test_what_the_settings_name_and_what_is_public_is_fine() -> None:
    assert allowed("10.1.2.3", ["10.1.0.0/16"], here=False)
    assert not allowed("10.2.2.3", ["10.1.0.0/16"], here=False)
    assert allowed("fd00::1", ["fd00::/8", "10.0.0.0/8"], here=False)
    assert allowed("127.0.0.1", [], here=True)
    assert allowed("20.50.2.1", [], here=False)
    assert allowed("2603:1030::1", [], here=False)


async def test_this_machine_is_called_where_it_is_written() -> None:
    async with receiver() as there:
        there.always = 503
        for host in ("127.0.0.1", "localhost"):
            url = there.url.replace("127.0.0.1", host)
            told = Receiver(WebhookSettings(name="x", url=url, secret_env="PAGER_KEY"), ENVIRONMENT)
            assert (await told.call("1", b"{}")).code == "answers 503"
            await told.close()
        assert len(there.asked) == 2
