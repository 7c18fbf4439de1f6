"""Money in words."""

from __future__ import annotations

import pytest

from cards.formatting import money


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        (1204, "USD", "$1,204"),
        (1203.6, "USD", "$1,204"),
        (99.996, "USD", "$100"),
        (99.994, "USD", "$99.99"),
        (3.4, "USD", "$3.40"),
        (3.4, "EUR", "€3.40"),
        (3.4, "CHF", "CHF 3.40"),
        (0.996, "GBP", "£1.00"),
        (0.192, "USD", "$0.192"),
        (0.5, "USD", "$0.50"),
        (0.0846, "USD", "$0.0846"),
        (0.00001, "USD", "$0.00001"),
        (0, "USD", "$0"),
        (-1e-15, "USD", "$0"),
        (-0.0000006, "USD", "−$0.000001"),
        (-12.5, "USD", "−$12.50"),
        (-1500, "SEK", "−SEK 1,500"),
        (34.4, "JPY", "¥34"),
        (1204.4, "JPY", "¥1,204"),
        (3.4, "KWD", "KWD 3.400"),
        (0.0846, "KWD", "KWD 0.0846"),
        (1204.4, "KWD", "KWD 1,204"),
    ],
)
def test_an_amount_has_its_currency(amount: float, currency: str, told: str) -> None:
    assert money(amount, currency) == told


@pytest.mark.parametrize(
    ("amount", "digits", "told"),
    [(1204.5, 2, "$1,204.50"), (-0.004, 2, "$0.00"), (-0.4, 0, "$0"), (-12.0, 0, "−$12"), (0.5, 3, "$0.500")],
)
def test_parts_of_a_total_have_its_decimals(amount: float, digits: int, told: str) -> None:
    assert money(amount, "USD", digits) == told
