"""Certificates of an account, which api-versions after 2024-07-01.20.0 no longer have."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from bot.azure.models.base import NameValue, Wire


class DeleteCertificateError(Wire):
    """Why a certificate could not be deleted, most often because pools still use it."""

    code: str = ""
    message: str = ""
    values: tuple[NameValue, ...] = ()


class Certificate(Wire):
    """A certificate: ``state`` active, deleting or deletefailed. ``public_data`` is the public part, DER in base64."""

    KEY: ClassVar[str] = "thumbprint"

    thumbprint: str = ""
    thumbprint_algorithm: str = ""
    url: str = ""
    state: str = ""
    state_transition_time: datetime | None = None
    previous_state: str = ""
    previous_state_transition_time: datetime | None = None
    public_data: str = ""
    delete_certificate_error: DeleteCertificateError | None = None
