"""Writes of certificates, over the last api-version of the data plane that has them."""

from __future__ import annotations

from bot.azure.paths import Paths
from bot.azure.plane import Written
from bot.azure.versions import CERTIFICATES_VERSION
from bot.azure.writer import Writer


async def cancel_deletion(writer: Writer, algorithm: str, thumbprint: str) -> Written:
    """Make a certificate active again whose deletion failed. CertificateStateActive where it is."""
    path = f"{Paths.certificate_path(algorithm, thumbprint)}/canceldelete"
    return await writer.send("POST", path, version=CERTIFICATES_VERSION)
