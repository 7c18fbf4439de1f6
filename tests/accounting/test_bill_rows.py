"""Lines of the bill find their account and pool."""

from __future__ import annotations

from datetime import date

from bot.accounting.bill_rows import BilledAccount, batch_filter, rows_of, tagged_filter, tagged_rows
from bot.azure.cost import CostLine

DAY = date(2026, 11, 23)
ACCOUNTS = [
    BilledAccount("render", "RenderFarm", "Studio", "/subscriptions/s/x/storageaccounts/renderstore"),
    BilledAccount("sim", "simlab", "Eng"),
]


def line(resource: str, amount: float = 1.0) -> CostLine:
    return CostLine(DAY, "USD", amount, 2.0, resource, "D4s v3", "Virtual Machines", "Dsv3 Series", "1 Hour")


def below(account: str, group: str, pool: str = "") -> str:
    pools = f"/pools/{pool}" if pool else ""
    return f"/subscriptions/s/resourcegroups/{group}/providers/microsoft.batch/batchaccounts/{account}{pools}"


def test_pools_lie_below_their_account_in_any_case() -> None:
    found = rows_of([line(below("RENDERFARM", "STUDIO", "Gpu")), line(below("simlab", "eng"))], ACCOUNTS, "actual")
    ((gpu,), (sim,)) = found["render"], found["sim"]
    assert (gpu.pool, gpu.meter, gpu.basis, gpu.resource) == (
        "gpu", "D4s v3", "actual", below("renderfarm", "studio", "gpu")
    )  # fmt: skip
    assert sim.pool == ""


def test_what_is_others_is_left_out() -> None:
    others = [line(below("other", "studio")), line("/subscriptions/s/x/storageaccounts/another"), line("")]
    assert rows_of(others, ACCOUNTS, "actual") == {"render": [], "sim": []}


def test_the_storage_of_an_account_is_its_own_once() -> None:
    shared = [*ACCOUNTS, BilledAccount("third", "third", "g", ACCOUNTS[0].storage.upper())]
    found = rows_of([line("/Subscriptions/s/x/storageAccounts/renderstore")], shared, "amortized")
    assert [len(found[name]) for name in ("render", "sim", "third")] == [1, 0, 0]
    assert found["render"][0].pool == ""


def test_an_account_that_moved_is_known_by_its_name() -> None:
    moved = rows_of([line(below("simlab", "before", "p")), line(below("simlab", "eng", "p"))], ACCOUNTS, "actual")
    assert [row.pool for row in moved["sim"]] == ["p", "p"]
    twins = [BilledAccount("a", "twin", "g1"), BilledAccount("b", "twin", "g2")]
    found = rows_of([line(below("twin", "g2")), line(below("twin", "g3"))], twins, "actual")
    assert (len(found["a"]), len(found["b"])) == (0, 1)


def test_one_query_for_all_whose_pools_the_service_allocates() -> None:
    assert batch_filter(ACCOUNTS) == {
        "or": [
            {"dimensions": {"name": "ResourceType", "operator": "In", "values": ["microsoft.batch/batchaccounts"]}},
            {"dimensions": {"name": "ResourceId", "operator": "In", "values": [ACCOUNTS[0].storage]}},
        ]
    }
    assert "or" not in batch_filter(ACCOUNTS[1:])


def test_pools_in_a_subscription_of_ones_own_are_known_by_their_tag() -> None:
    own = BilledAccount("own", "OwnLab", "g", own_machines=True)
    assert tagged_filter(own) == {"tags": {"name": "batchaccountname", "operator": "In", "values": ["OwnLab"]}}
    tagged = CostLine(DAY, "USD", 1.0, 2.0, "/Subscriptions/s/VMSS", "D4s v3", "Virtual Machines", tag="Gpu")
    (row,) = tagged_rows([tagged], own, "actual")
    assert (row.pool, row.resource) == ("gpu", "/subscriptions/s/vmss")
