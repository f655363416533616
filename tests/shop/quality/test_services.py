"""A nonconformance is decided on once, by a supervisor, with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.quality.models import Disposition, Nonconformance
from shop.quality.services import dispose, open_nonconformance
from shop.refusals import Refusal, RoleRefusal, StaleTransition
from tests import factories
from tests.cast import Cast

NOW = factories.NOON + timedelta(hours=1)


@pytest.fixture
def note(cast: Cast) -> Nonconformance:
    return open_nonconformance(
        cell=factories.make_cells(1)[0], kind="OTHER", words="Swollen.", now=factories.NOON
    )


def test_a_supervisor_decides_once(cast: Cast, note: Nonconformance) -> None:
    made = dispose(
        nonconformance=note, decision="SCRAP", words="Swollen by 2 mm.", by=cast.sade, now=NOW
    )

    assert (made.decision, made.by, made.at) == ("SCRAP", cast.sade, NOW)
    with pytest.raises(StaleTransition):
        dispose(nonconformance=note, decision="USE_AS_IS", words="No.", by=cast.kemi, now=NOW)
    assert Disposition.objects.get().decision == "SCRAP"


def test_a_technician_does_not(cast: Cast, note: Nonconformance) -> None:
    with pytest.raises(RoleRefusal):
        dispose(nonconformance=note, decision="SCRAP", words="x", by=cast.tola, now=NOW)


@pytest.mark.parametrize(("decision", "words"), [("BURN", "Why not."), ("SCRAP", "  ")])
def test_refuses_no_decision_and_no_reason(
    cast: Cast, note: Nonconformance, decision: str, words: str
) -> None:
    with pytest.raises(Refusal, match="decision with its reason"):
        dispose(nonconformance=note, decision=decision, words=words, by=cast.sade, now=NOW)


def test_refuses_an_unknown_kind(cast: Cast) -> None:
    with pytest.raises(ValueError, match="HAUNTED"):
        open_nonconformance(cell=factories.make_cells(1)[0], kind="HAUNTED", words="Boo.", now=NOW)
