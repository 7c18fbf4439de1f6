"""A key vault that the official client finds under its real name: through a proxy, by a certificate that is trusted.

Nothing of the program or of the client is altered: both take the proxy and the certificates from the environment, as in
a company's network, and the client checks the vault's challenge and certificate as it always does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.sandbox.wire.key_vault import KeyVault
from bot.sandbox.wire.tokens import Tokens

_HERE = ip_address("127.0.0.1")
_AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests' own authority")])


@asynccontextmanager
async def vault(
    folder: Path, tokens: Tokens, name: str = "batchbot-test"
) -> AsyncIterator[tuple[KeyVault, dict[str, str]]]:
    """The vault, and the environment by which a process finds it."""
    made = KeyVault(name, tokens)
    authority, tls = certificates(folder, made.host)
    await made.start(tls)
    tunnels: set[asyncio.Task[None]] = set()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tunnels.add(task)
        await _tunnel(made, reader, writer)

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    try:
        yield (
            made,
            {
                "ALL_PROXY": f"http://127.0.0.1:{port}",
                "NO_PROXY": "127.0.0.1,localhost",
                "REQUESTS_CA_BUNDLE": str(authority),
            },
        )
    finally:
        proxy.close()
        for each in tunnels:
            each.cancel()
        await asyncio.gather(*tunnels, return_exceptions=True)
        await made.close()


async def _tunnel(vault: KeyVault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy of HTTP that leads to the vault, and to nothing else."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith(f"CONNECT {vault.host}:443 "):
            theirs, ours = await asyncio.open_connection("127.0.0.1", vault.port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pass(reader, ours), _pass(theirs, writer))
        else:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
    writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while block := await reader.read(65536):
                writer.write(block)
                await writer.drain()
    finally:
        writer.transport.abort()


def certificates(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """A file with an authority's certificate, and what a server of that name listens with."""
    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)

    def signed(name: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> x509.Certificate:
        made = x509.CertificateBuilder().subject_name(name).issuer_name(_AUTHORITY).public_key(key)
        made = made.serial_number(x509.random_serial_number()).add_extension(extension, critical=True)
        made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
        return made.sign(root, hashes.SHA256())

    authority = signed(_AUTHORITY, root.public_key(), x509.BasicConstraints(ca=True, path_length=0))
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    server = signed(named, own.public_key(), x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(_HERE)]))
    trusted, served = folder / "authority.pem", folder / "server.pem"
    trusted.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    served.write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + server.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(served)
    return trusted, context


def named(vault: KeyVault, secrets: Mapping[str, str]) -> dict[str, object]:
    """The section of the settings file."""
    return {"url": vault.url, "credential": "managed_identity", "secrets": dict(secrets)}
