"""What has to go goes, and what people look for stays."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.redaction import engine, redact
from bot.ops import logs

KEY = base64.b64encode(bytes(range(7, 71))).decode()  # 88 characters, as storage and Batch have them
SHORT_KEY = base64.b64encode(bytes(range(200, 232))).decode()
SIGNATURE = "aB3%2Bd9f0Lq7x%2FVh2mWwz5Yc1RkTn8uJp4sEoXg6iA%3D"
JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2JhdGNoIn0.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
PEM = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *[KEY[:64]] * 3, "QUJD", "-----END RSA PRIVATE KEY-----"])
BLOB = f"https://films.blob.core.windows.net/in/scene%201.blend?sv=2024-11-04&se=2026-12-01&sr=b&sp=r&sig={SIGNATURE}"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"GET {BLOB} 403", "GET https://films.blob.core.windows.net/in/scene%201.blend?… 403"),
        (f'"httpUrl": "{BLOB}",', '"httpUrl": "https://films.blob.core.windows.net/in/scene%201.blend?…",'),
        (f"azcopy copy '{BLOB}' .", "azcopy copy 'https://films.blob.core.windows.net/in/scene%201.blend?…' ."),
        (f"(see {BLOB}).", "(see https://films.blob.core.windows.net/in/scene%201.blend?…)."),
        (
            f"{BLOB.replace('&', chr(92) + 'u0026')} in JSON",
            "https://films.blob.core.windows.net/in/scene%201.blend?… in JSON",
        ),
        (
            BLOB.replace("?", "?comp=block&").replace("sig=", "SIG="),
            "https://films.blob.core.windows.net/in/scene%201.blend?…",
        ),
        (f"token sv=2024-11-04&ss=b&sig={SIGNATURE}&sp=r", "token …"),
        (f"sig={SIGNATURE}", "sig=…"),
        (f"next=https%3A%2F%2Fa%2Fc%3Fsv%3D1%26sig%3D{SIGNATURE}", "next=https%3A%2F%2Fa%2Fc%3Fsv%3D1%26sig%3D…"),
        (
            f"DefaultEndpointsProtocol=https;AccountName=films;AccountKey={KEY};EndpointSuffix=core.windows.net",
            "DefaultEndpointsProtocol=https;AccountName=films;AccountKey=…;EndpointSuffix=core.windows.net",
        ),
        (
            f"Endpoint=sb://q.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey={SHORT_KEY}",
            "Endpoint=sb://q.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=…",
        ),
        ("BlobEndpoint=https://a/;SharedAccessSignature=sv=1&sig=ab", "BlobEndpoint=https://a/;SharedAccessSignature=…"),
        ("Server=tcp:db;User ID=sa;Password=p4$$w0rd;Encrypt=True", "Server=tcp:db;User ID=sa;Password=…;Encrypt=True"),
        ("Server=db;Uid=sa;Pwd=hunter2;", "Server=db;Uid=sa;Pwd=…;"),
        (f"the key is {KEY}", "the key is …"),
        (f"key in a query {KEY.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}.", "key in a query …."),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer …"),
        ("authorization: bearer 0123456789abcdefghij", "authorization: bearer …"),
        (f"got {JWT}, next", "got …, next"),
        (f"Authorization: SharedKey films:{SHORT_KEY}", "Authorization: SharedKey films:…"),
        ("'Authorization': 'Basic dXNlcjpwYXNz'", "'Authorization': 'Basic …'"),
        ("xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy sent", "xoxb-… sent"),
        ("xapp-1-A0123-456-abcdef0123456789", "xapp-…"),
        ("https://hooks.slack.com/services/T000/B000/XXXX", "https://hooks.slack.com/services/…"),
        ("x.webhook.office.com/webhookb2/0a-1b@2c/IncomingWebhook/3d", "x.webhook.office.com/webhookb2/…"),
        (f"ghp_{'a1B2' * 9} pushed", "ghp_… pushed"),
        ("postgresql://films:s3cr@t@db.example:5432/x", "postgresql://films:…@db.example:5432/x"),
        ("https://:only@host/", "https://:…@host/"),
        ("redis://:p4ss@cache:6379", "redis://:…@cache:6379"),
        ("password=hunter2", "password=…"),
        ("DB_PASSWORD='correct horse battery'", "DB_PASSWORD='…'"),
        ("password: hunter2", "password: …"),
        ('{"adminPassword": "a\\"b", "name": "x"}', '{"adminPassword": "…", "name": "x"}'),
        ('{\\"password\\": \\"hunter2\\"}', '{\\"password\\": \\"…\\"}'),
        ("login --user me --password hunter2 --verbose", "login --user me --password … --verbose"),
        ("login --password 'a b' x", "login --password '…' x"),
        ("az blob list --account-key Zm9v --sas-token st=1", "az blob list --account-key … --sas-token …"),
        ("az login --service-principal -u 0a -p s3cret -t x", "az login --service-principal -u 0a -p … -t x"),
        ("curl -s -u me:hunter2 https://x", "curl -s -u me:… https://x"),
        ("AZURE_CLIENT_SECRET=Ab1~cd", "AZURE_CLIENT_SECRET=…"),
        ("client_secret=abcdef&grant_type=x", "client_secret=…&grant_type=x"),
        ("abc8Q~" + "x1" * 17, "…"),
        (f"AZURE_STORAGE_KEY={SHORT_KEY}", "AZURE_STORAGE_KEY=…"),
        ("apiKey: '0123456789abcdef'", "apiKey: '…'"),
        ('"access_token":"abcdef0123456789"', '"access_token":"…"'),
        ('AZ_BATCH_AUTHENTICATION_TOKEN={"value":"x1y2z3"}', 'AZ_BATCH_AUTHENTICATION_TOKEN=…'),
        ("<add><Password>hunter2</Password></add>", "<add><Password>…</Password></add>"),
        ('{"name": "DB_PASSWORD",\n  "value": "hunter2"}', '{"name": "DB_PASSWORD",\n  "value": "…"}'),
        (f"before\n{PEM}\nafter", "before\n…\nafter"),
        (PEM.replace("\n", "\\n"), "…"),
        (f"all\n{PEM[:120]}", "all\n…"),
        (f"{PEM[100:]}\nafter", "…\nafter"),
        (f"line one\n{PEM[100:]}\nafter", "line one\n…\nafter"),
    ],
)  # fmt: skip
def test_what_goes(text: str, kept: str) -> None:
    assert redact(text) == kept


PICTURE = base64.b64encode(bytes(range(256)) * 40).decode()


@pytest.mark.parametrize(
    "text",
    [
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  frame.exr",
        "sha512-" + KEY,
        "subscription 0f8fad5b-d9cb-469f-a165-70867728950e",
        f"node tvmps_{'0a1b2c3d' * 8}_d is idle",
        f"data:image/png;base64,{PICTURE}",
        PICTURE,
        "\n".join(PICTURE[start : start + 76] for start in range(0, len(PICTURE), 76)),
        "SHA1 thumbprint 0A1B2C3D4E5F60718293A4B5C6D7E8F901234567",
        "/mnt/batch/tasks/workitems/nightly/job-12/frame-0021/wd/textures/wood_oak_4k/basecolor.png",
        r"D:\batch\tasks\workitems\nightly\job-12\frame-0021\wd",
        "PWD=/mnt/batch/tasks/workitems/nightly/job-12/frame-0021/wd",
        "pwd=D:\\batch\\tasks",
        "caught sig=11 (SIGSEGV), sig=SIGTERM, SIG: ignored, sigmoid=0.5",
        "the signature did not match; sig words in prose stay",
        "max_tokens=2048 tokens=12 n_token=512",
        "Unexpected token: } at line 3",
        "SyntaxError: Unexpected token < in JSON at position 0",
        "KeyError: 'frames'; primary key: id",
        "PartitionKey=2026-11 RowKey=0001",
        "secretary: hired; passwords are rotated",
        "--password $BATCH_PASSWORD",
        "password=${DB_PASSWORD}",
        "password: ******",
        "password=None token=null",
        "usage: tool [--password PASSWORD_FILE]".replace(" PASSWORD_FILE", ""),
        "bearer of bad news",
        "Basic functionality works",
        "http://10.0.0.4:8080/path@2x.png",
        "ssh://git@github.com:22/x",
        "http://[::1]:8080/",
        "https://films.blob.core.windows.net/in/x.blend?comp=metadata&restype=container",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "2026-11-23T06:00:00.0000000Z 12:34:56 exit code 137, 1,602 / 2,003",
        "passes: 12, bypass=1, compass: north",
        "Frame 12 · 3.1 GiB · ETA 00:12:03 … done",
    ],
)
def test_what_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(st.sampled_from("passwordsigtoken=:\"'\\&?; \n-…{}<>/@"), max_size=80))
def test_what_was_hidden_stays_hidden_and_nothing_else_goes(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.integers(0, 40_000), st.sampled_from([PEM, BLOB, f"AccountKey={KEY}", f"Bearer {JWT}"]))
def test_a_secret_is_found_wherever_it_stands_in_a_long_text(before: int, secret: str) -> None:
    lines = ("rendering frame\n" * (before // 16)) + secret + "\n" + "rendering frame\n" * 2000
    found = redact(lines)
    assert KEY[:40] not in found
    assert SIGNATURE[:20] not in found
    assert JWT[-20:] not in found
    assert found.count("rendering frame") == before // 16 + 2000


def test_settings_of_pretty_json_are_found_across_its_lines() -> None:
    settings = [
        {"name": f"{name}_{number}", "value": f"v4lue{number}"}
        for number in range(900)
        for name in ("DB_SECRET", "HOME")
    ]
    found = json.loads(redact(json.dumps(settings, indent=2)))
    assert {each["value"] for each in found if each["name"].startswith("DB")} == {"…"}
    assert [each["value"] for each in found if each["name"].startswith("HOME")] == [f"v4lue{n}" for n in range(900)]


def test_the_log_hides_by_the_same_rules() -> None:
    event = logs._hidden(None, "info", {"event": f"GET {BLOB}", "n": 3})
    assert event == {"event": "GET https://films.blob.core.windows.net/in/scene%201.blend?…", "n": 3}


PARTS = (
    *("password", "token=", ": ", "secret", "key", "\"", "'", "\\", "&", ";", ",", "\n", "\r\n", " ", "{", "}", "["),
    *("]", "<", ">", "</"),
    *("$", "…", "://", "@", "?sig=", "Bearer ", "curl -u a:", "name", "value", "- ", "=", "|"),
    *("Authorization: ", "Cookie: ", "Ab1&xY9z", "hunter2", "eyJhbGciOi.eyJ9.c2ln", "\0", "\u200b", "\x1b[0m"),
    *("MIIEowIBAAKCAQEAx3Vv9Zq1c2Q4f7AbCdEfGhIjKl"),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "echo a | docker login --password-stdin", "is "),
)  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_hiding_again_hides_no_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


HOSTILE = (
    *(("bearer ", "1"), ("token is ", " "), ("auth=", " "), ("net use ", " ")),
    *(("set password for a=", " "), ("", "-sqlplus ")),
    *(("", "account-key=\\"), ("", 'password="'), ("", "password=a,"), ("", "cookie: a=b;"), ("", "://a:")),
    *(("", "?sig="), ("", "-----BEGIN PRIVATE KEY-----"), ("", "A" * 64 + "\n")),
)  # fmt: skip


@pytest.mark.parametrize(("begin", "piece"), HOSTILE)
def test_a_hostile_text_passes(begin: str, piece: str) -> None:
    """What goes back over its text for each piece of it takes minutes here; bench/redaction.py measures it."""
    text = begin + piece * (200_000 // len(piece))
    assert len(redact(text)) <= len(text)


def test_each_character_is_looked_at_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The characters handed to the rules grow with the text, however its windows follow each other."""
    counts: list[int] = []
    clear = engine._clear
    monkeypatch.setattr(engine, "_clear", lambda window: counts.append(len(window)) or clear(window))
    for piece in ("password=a\n", "- name: key\n  value: b\n", "key:\n", "a" * 30 + "\n", "password: |\n x\n"):
        for times in (50, 100):
            counts.clear()
            redact(piece * times)
            assert sum(counts) <= len(piece) * times
