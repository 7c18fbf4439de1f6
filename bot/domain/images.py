"""Images of machines: what they are called, what tells them apart, and when Batch ends its support."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.azure.models import ImageReference, SupportedImage


def image_name(source: ImageReference | None) -> str:
    """``canonical ubuntu-24_04-lts server latest``, or the resource of one's own image."""
    if source is None:
        return ""
    market = " ".join(filter(None, (source.publisher, source.offer, source.sku, source.version)))
    return (
        market or source.virtual_machine_image_id or source.shared_gallery_image_id or source.community_gallery_image_id
    )


def image_key(source: ImageReference) -> tuple[str, str, str]:
    """What an image of the market place is distinguished by; its case differs on the wire."""
    return source.publisher.lower(), source.offer.lower(), source.sku.lower()


def end_of_life(source: ImageReference | None, images: Iterable[SupportedImage]) -> datetime | None:
    """When Batch ends its support of an image, where the service says so."""
    if source is None or not source.sku:
        return None
    return next(
        (
            each.batch_support_end_of_life
            for each in images
            if each.image_reference and image_key(each.image_reference) == image_key(source)
        ),
        None,
    )
