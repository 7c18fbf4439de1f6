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
        (-12.5, "USD", "−$12.50"),
        (-1500, "SEK", "−SEK 1,500"),
    ],
)
def test_an_amount_has_its_currency(amount: float, currency: str, told: str) -> None:
    assert money(amount, currency) == told
