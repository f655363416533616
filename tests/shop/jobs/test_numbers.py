"""A number that a run had once is given to no other run, also after a backup came back."""

from __future__ import annotations

from shop.jobs.numbers import SPENT_MAX, spend_run_numbers
from tests import factories
from tests.cast import Cast


def test_the_next_run_has_a_higher_number(cast: Cast) -> None:
    first = factories.make_run(by=cast.tola)

    assert spend_run_numbers(first.pk + 20)

    assert factories.make_run(by=cast.tola).pk > first.pk + 20


def test_a_number_of_the_past_spends_one_and_no_more(cast: Cast) -> None:
    first = factories.make_run(by=cast.tola)

    assert spend_run_numbers(1)

    assert factories.make_run(by=cast.tola).pk == first.pk + 2


def test_a_number_far_beyond_is_none_of_ours(cast: Cast) -> None:
    first = factories.make_run(by=cast.tola)

    assert not spend_run_numbers(first.pk + 10 * SPENT_MAX)
