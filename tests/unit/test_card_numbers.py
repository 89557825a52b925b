import time

import pytest

from checkout.card_numbers import holds_card_number

pytestmark = pytest.mark.proves("FR-007")


@pytest.mark.parametrize(
    "value",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "my card is 5555555555554444, thanks",
        "378282246310005",
        "2223003122003222",
        "30569309025904",
        "6011111111111117",
        "3566002020360505",
        "room 12 4242424242424242 5",
        "4242.4242.4242.4242",
        "4242  4242\n4242_4242",
        "4242 - 4242 - 4242 - 4242",
        "4242\u20104242\u20134242/4242",
        "4242424242424242x",
        4242424242424242,
        4242424242424242.0,
        {"metadata": {"note": "4242424242424242"}},
        {"4242424242424242": "as a key"},
        [1, [2, ["4242424242424242"]]],
        "\uff14\uff12\uff14\uff12" * 4,
        "pay_4242424242424242",
        "pay_01M83HMK2DBBT8T8C4EENJM1TC_4242424242424242",
        "ord_01M83HMK2DBBT8T8C4EENJM1TC 4242 4242 4242 4242",
    ],
)
def test_what_looks_like_a_card_number_is_found(value: object) -> None:
    assert holds_card_number(value)


@pytest.mark.parametrize(
    "value",
    [
        "4242424242424241",
        "1767225600000",
        "ord_01M83HMK2DBBT8T8C4EENJM1TC",
        "pay_01M83HMK2DBBTVTV4242424246_001",
        "ref_01M83HMK2DBBT8T8CV42424240_001_01",
        "0d5f1f0e-4e51-4cb2-9e0b-7e2f6a3c1f77",
        "313874cd-dfbc-423d-b246-548991270564",
        "2026-11-23 08.10.12.345678",
        "42424242424242424242424242424242",
        "123456789012",
        12345,
        None,
        True,
        1.5,
        {},
        [],
        "",
    ],
)
def test_other_values_pass(value: object) -> None:
    assert not holds_card_number(value)


@pytest.mark.proves("FR-040")
def test_the_search_takes_time_by_the_length_of_the_text() -> None:
    def measure(groups: int) -> float:
        started = time.process_time()
        assert not holds_card_number("1 " * groups)
        return time.process_time() - started

    measure(1000)
    # Twenty times the text: by its square that would be four hundred times.
    assert measure(40_000) < 100 * max(measure(2000), 0.001)
