"""What a session may do and when it ends, as tables; the token that outlives all of it (F3, F4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stations.config import Timing
from stations.guardian.envelope import Tally
from stations.guardian.fence import Fence, FenceBroken
from stations.guardian.session import (
    Ending,
    Session,
    cells_problem,
    energise_problem,
    expired,
    expires_s,
    limits_problem,
    open_refusal,
    protection_problem,
    setpoint_problem,
    token_refusal,
    valid_problem,
)
from stations.values import NAN, Protection, Setpoint
from tests.stations.test_guardian_envelope import LIMITS

START = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
TIMING = Timing()
SESSION = Session(
    run="7",
    attempt=1,
    token=5,
    limits=LIMITS,
    heard_s=100.0,
    lease_until_s=160.0,
    tally=Tally(opened_at=START, last_at=START),
    valid_s=100.0,
)
ON = replace(SESSION.on(100.0), configured=Setpoint(3.65, 14.4))


@pytest.mark.parametrize(
    ("session", "now_s", "words"),
    [
        (SESSION, 102.0, ""),
        (SESSION, 102.1, "the runner was silent for 2 s"),
        (replace(SESSION, heard_s=160.0), 160.0, ""),
        (replace(SESSION, heard_s=160.0), 160.1, "the lease has passed"),
        (replace(ON, heard_s=103.0), 103.0, ""),
        (replace(ON, heard_s=103.0), 103.1, "no valid, journalled sample for 3 s"),
        (replace(SESSION, heard_s=150.0, valid_s=100.0), 150.0, ""),  # off: no hurry
        (replace(SESSION, heard_s=NAN), 100.0, "the runner was silent for 2 s"),
        (replace(ON, heard_s=160.0, valid_s=160.0, presence_s=60.0, present_s=100.0), 160.0, ""),
        (
            replace(ON, heard_s=160.0, valid_s=160.0, presence_s=60.0, present_s=99.9),
            160.0,
            "nobody confirmed to be at the bench for 1 min",
        ),
        (replace(SESSION, heard_s=160.0, presence_s=60.0, present_s=10.0), 160.0, ""),  # off
        (replace(SESSION, ending=Ending("trip", "over", 105.0)), 200.0, ""),  # ended already
    ],
)
def test_a_session_ends_by_dead_man_lease_or_doubt(
    session: Session, now_s: float, words: str
) -> None:
    assert expired(session, TIMING, now_s) == words


@pytest.mark.parametrize(
    ("cells", "wired", "fits"),
    [
        (0, 4, True),
        (1, 4, True),
        (4, 4, True),
        (16, 0, True),
        (5, 4, False),
        (-1, 4, False),
        ("4", 4, False),
    ],
)
def test_a_session_has_no_more_cells_than_the_scanner_is_wired_for(
    cells: object, wired: int, fits: bool
) -> None:
    assert (cells_problem(cells, wired) == "") is fits


def test_knows_when_to_look_again() -> None:
    assert expires_s(SESSION, TIMING) == 102.0
    assert expires_s(replace(ON, heard_s=150.0), TIMING) == 103.0
    assert expires_s(replace(SESSION, ending=Ending("trip", "over", 105.0)), TIMING) == 105.0


@pytest.mark.parametrize(
    ("session", "token", "code"),
    [
        (SESSION, 5, None),
        (SESSION, 4, "stale_token"),
        (None, 4, "stale_token"),
        (None, 5, "no_session"),
        (SESSION, 6, "no_session"),
        (SESSION, "5", "bad_request"),
        (SESSION, True, "bad_request"),
        (SESSION, None, "bad_request"),
    ],
)
def test_only_the_current_token_commands(
    session: Session | None, token: object, code: str | None
) -> None:
    refusal = token_refusal(session, 5, token)

    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("token", "code"), [(6, None), (5, "stale_token"), (0, "bad_request"), (6.5, "bad_request")]
)
def test_a_session_opens_only_with_a_higher_token(token: object, code: str | None) -> None:
    refusal = open_refusal(5, token)

    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("voltage_v", "current_a", "allowed"),
    [
        (3.65, 14.4, True),
        (3.67, 15.2, True),
        (3.68, 14.4, False),
        (3.65, 15.3, False),
        (NAN, 14.4, False),
        (3.65, NAN, False),
        (-0.1, 14.4, False),
        (3.65, -1.0, False),
    ],
)
def test_a_set_point_stays_in_the_envelope(
    voltage_v: float, current_a: float, allowed: bool
) -> None:
    assert (setpoint_problem(LIMITS, Setpoint(voltage_v, current_a)) == "") is allowed


@pytest.mark.parametrize(
    ("ovp_v", "ocp_a", "allowed"),
    [
        (3.75, 15.1, True),
        (3.80, 15.1, True),  # 100 mV above what the bank may reach
        (3.81, 15.1, False),
        (62.0, 15.1, False),  # as shipped
        (3.65, 15.1, False),  # trips at the set-point
        (3.75, 14.4, False),
        (NAN, 15.1, False),
        (3.75, NAN, False),
        (3.75, 18.24, True),  # 1.2 of what the session may carry
        (3.75, 18.25, False),
        (3.75, 1e9, False),
        (3.75, float("inf"), False),
    ],
)
def test_the_supplys_own_protection_must_protect(ovp_v: float, ocp_a: float, allowed: bool) -> None:
    problem = protection_problem(LIMITS, Setpoint(3.65, 14.4), Protection(ovp_v, ocp_a))

    assert (problem == "") is allowed


def test_energising_needs_a_set_up_since_the_output_was_off() -> None:
    ready = replace(SESSION, configured=Setpoint(3.65, 14.4))

    assert energise_problem(ready) is None
    assert energise_problem(SESSION) is not None
    assert energise_problem(ready.off()) is not None
    assert energise_problem(ON) is not None
    assert energise_problem(replace(ready, ending=Ending("stop", "enough", 1.0))) is not None


@pytest.mark.parametrize("value", [NAN, float("inf"), 0.0, -1.0])
def test_a_limit_that_could_never_trip_is_refused(value: float) -> None:
    assert limits_problem(LIMITS) == ""
    assert "charge_max_ah" in limits_problem(replace(LIMITS, charge_max_ah=value))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cell_voltage_max_v": 3.80, "bank_voltage_max_v": 3.80}, ""),
        ({"cell_voltage_max_v": 3.81}, "limits.cell_voltage_max_v is 3.81 V"),
        ({"bank_voltage_max_v": 5.65}, "limits.bank_voltage_max_v is 5.65 V"),
        ({"setpoint_voltage_max_v": 4.2}, "limits.setpoint_voltage_max_v is 4.2 V"),
        ({"bank_voltage_max_v": 15.2, "series_cells": 4}, ""),
        ({"bank_voltage_max_v": 15.3, "series_cells": 4}, "must not be above 15.20 V"),
        ({"cell_voltage_max_v": 15.2, "series_cells": 4}, "must not be above 3.80 V"),
    ],
)
def test_no_session_may_lead_a_cell_above_the_ceiling(changes: dict[str, Any], words: str) -> None:
    problem = limits_problem(replace(LIMITS, **changes))

    assert (words in problem) if words else not problem


@pytest.mark.parametrize(
    ("valid_s", "allowed"), [(60, True), (0, False), (NAN, False), (1e9, False), ("60", False)]
)
def test_authority_is_lent_for_a_sane_time(valid_s: object, allowed: bool) -> None:
    assert (valid_problem(valid_s) == "") is allowed


def test_the_highest_token_is_kept_on_disk(tmp_path: Path) -> None:
    fence = Fence(tmp_path / "token")
    assert fence.highest == 0

    fence.raise_to(7)

    assert Fence(tmp_path / "token").highest == 7
    with pytest.raises(ValueError, match="not above 7"):
        fence.raise_to(7)


def test_a_token_file_that_says_nothing_stops_the_guardian(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("")

    with pytest.raises(FenceBroken, match="highest token"):
        Fence(tmp_path / "token")
