"""Images that the service supports."""

from __future__ import annotations

from datetime import datetime

from bot.azure.models.base import ImageReference, Wire


class SupportedImage(Wire):
    """An image that pools can be made of.

    ``os_type`` linux or windows, ``verification_type`` verified or unverified (by Microsoft, with the node agent).
    """

    node_agent_sku_id: str = ""
    image_reference: ImageReference | None = None
    os_type: str = ""
    capabilities: tuple[str, ...] = ()
    batch_support_end_of_life: datetime | None = None
    verification_type: str = ""
