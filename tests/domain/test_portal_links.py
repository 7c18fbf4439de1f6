"""Where links lead: addresses of the portal, of Batch Explorer and of the service itself."""

from __future__ import annotations

import pytest

from bot.domain.entity import Entity
from bot.domain.portal_links import Linked, linked, links_in

_ID = "/subscriptions/S1/resourceGroups/Render/providers/Microsoft.Batch/batchAccounts/RenderProd"
_ACCOUNT = _ID.lower()
_ENCODED = _ID.replace("/", "%2F")


@pytest.mark.parametrize(
    ("url", "entity"),
    [
        (f"https://portal.azure.com/#@contoso.example/resource{_ID}/overview", None),
        (f"https://portal.azure.com/#@contoso.example/resource{_ID}", None),
        (f"https://portal.azure.com/?l=en.en-us#@contoso.example/resource{_ID}/jobs", None),
        (f"https://portal.azure.com/#resource{_ID}/pools/gpu-a", Entity("pool", "gpu-a")),
        (f"https://portal.azure.us/#@t/resource{_ID}/pools/gpu-a/nodes/tvm-1", Entity("node", "tvm-1", "gpu-a")),
        (f"https://portal.azure.com/#@t/resource{_ID}/jobs/nightly:job-1", Entity("job", "nightly:job-1")),
        (f"https://portal.azure.com/#@t/resource{_ID}/jobs/nightly%3Ajob-1", Entity("job", "nightly:job-1")),
        (f"https://portal.azure.com/#@t/resource{_ID}/jobs/a/tasks/t-1", Entity("task", "t-1", "a")),
        (f"https://portal.azure.com/#@t/resource{_ID}/jobSchedules/nightly", Entity("schedule", "nightly")),
        (f"https://portal.azure.com/#view/Microsoft_Azure_Batch/Blade/id/{_ENCODED}", None),
        (f"https://portal.azure.com/#view/X/Blade/id/{_ENCODED}%2Fpools%2Fgpu-a", Entity("pool", "gpu-a")),
        (f"ms-batch-explorer://route/pools/gpu-a?accountId={_ENCODED}&session=s", Entity("pool", "gpu-a")),
        (f"ms-batch-explorer://route/jobs/a/tasks/t?accountId={_ID}", Entity("task", "t", "a")),
        (f"ms-batch-explorer://route/standalone/pools/p/graphs?accountId={_ID}", Entity("pool", "p")),
        (f"ms-batchlabs://route/jobschedules/nightly?accountId={_ID}", Entity("schedule", "nightly")),
        (f"ms-batch-explorer://route/accounts/{_ENCODED}", None),
    ],
)
def test_a_link_leads_to_what_it_names(url: str, entity: Entity | None) -> None:
    assert linked(url) == Linked(_ACCOUNT, entity)


def test_an_address_of_the_service_names_the_account_by_its_host() -> None:
    found = linked("https://renderprod.westeurope.batch.azure.com/jobs/a/tasks/t?api-version=2024-07-01.20.0")
    assert found == Linked("renderprod.westeurope.batch.azure.com", Entity("task", "t", "a"))


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.azure.com/",
        "https://portal.azure.com/#@t/resource/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/x/y",
        f"https://portal.azure.com.evil.example/#@t/resource{_ID}",
        f"http://portal.azure.com/#@t/resource{_ID}",
        f"https://evil.example/#@t/resource{_ID}",
        "https://batch.azure.com/jobs/a",
        "ms-batch-explorer://route/pools/gpu-a",
        "https://[",
        "",
        f"https://portal.azure.com/#@t/resource{_ID}/{'x' * 3000}",
    ],
)
def test_what_is_nothing_of_batch_leads_nowhere(url: str) -> None:
    assert linked(url) is None


def test_links_stand_in_a_text_with_what_people_write_around_them() -> None:
    portal = f"https://portal.azure.com/#@t/resource{_ID}/pools/gpu-a"
    explorer = f"ms-batch-explorer://route/jobs/a?accountId={_ID}"
    text = f"see <{portal}|the pool> ({portal}), and {explorer}. Not https://example.com/pools/x"
    assert links_in(text) == [portal, explorer]
