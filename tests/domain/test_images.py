"""What images and VM sizes are called, and what is known of them by that."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.azure.models import ImageReference, SupportedImage, VmSize
from bot.domain.cores import cores_from_name, cores_of
from bot.domain.images import end_of_life, image_key, image_name

ENDS = datetime(2027, 4, 30, tzinfo=UTC)
UBUNTU = ImageReference(publisher="Canonical", offer="Ubuntu-24_04-lts", sku="Server", version="latest")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (None, ""),
        (UBUNTU, "Canonical Ubuntu-24_04-lts Server latest"),
        (ImageReference(offer="centos", sku="7"), "centos 7"),
        (ImageReference(virtual_machine_image_id="/own", shared_gallery_image_id="/shared"), "/own"),
        (ImageReference(shared_gallery_image_id="/shared", community_gallery_image_id="/all"), "/shared"),
        (ImageReference(community_gallery_image_id="/all"), "/all"),
    ],
)
def test_what_an_image_is_called(image: ImageReference | None, name: str) -> None:
    assert image_name(image) == name


def test_an_image_is_one_in_any_case_and_its_support_ends_when_the_service_says() -> None:
    assert image_key(UBUNTU) == ("canonical", "ubuntu-24_04-lts", "server")
    other = SupportedImage(image_reference=ImageReference(publisher="canonical", offer="x", sku="server"))
    same = SupportedImage(
        image_reference=ImageReference(publisher="CANONICAL", offer="ubuntu-24_04-LTS", sku="SERVER"),
        batch_support_end_of_life=ENDS,
    )
    assert end_of_life(UBUNTU, [SupportedImage(), other, same]) == ENDS
    assert end_of_life(UBUNTU, [other]) is None
    assert end_of_life(None, [same]) is None
    assert end_of_life(ImageReference(publisher="canonical", offer="ubuntu-24_04-lts"), [same]) is None


@pytest.mark.parametrize(
    ("size", "cores"),
    [
        ("Standard_D4s_v3", 4), ("STANDARD_D4S_V3", 4), ("Basic_B2s", 2), ("Standard_NC24ads_A100_v4", 24),
        ("Standard_F8", 8), ("Standard_A4_v2", 4),
        # a rank, not a number of cores
        ("Standard_D3_v2", None), ("Standard_DS3_v2", None), ("Standard_D3", None), ("Standard_A3", None),
        ("Standard_G3", None), ("Standard_GS3", None),
        # two numbers, none, or no size at all
        ("Standard_E4-2s_v3", None), ("Standard_D0s_v3", None), ("D4s_v3", None), ("", None),
    ],
)  # fmt: skip
def test_the_cores_that_a_name_gives(size: str, cores: int | None) -> None:
    assert cores_from_name(size) == cores


def test_what_resource_manager_lists_counts_before_the_name() -> None:
    listed = {
        "standard_d3_v2": VmSize("Standard_D3_v2", "Dv2", 4, 14.0, 0, spot=True, eol=None),
        "standard_f8": VmSize("Standard_F8", "F", 0, 16.0, 0, spot=True, eol=None),
    }
    assert cores_of("STANDARD_D3_v2", listed) == 4
    assert cores_of("Standard_F8", listed) == 8, "none is not what it has"
    assert cores_of("Standard_D3", listed) is None
