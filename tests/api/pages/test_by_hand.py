"""Typing a hand-held meter's figures on a phone, and where everybody sees that it was by hand."""

from __future__ import annotations

from django.test import Client

from shop.evidence.services.checks import record_voltage_check
from shop.jobs.models import PersonAct
from stations.procedures.state import CellResult, Taken
from stations.values import OffProof, Window
from tests.api.clients import Api, codes, text
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.jobs.test_by_hand import reading


def test_one_cell_at_a_time_with_what_was_read_so_far(cast: Cast, technician: Client) -> None:
    run = reading(cast)
    before = text(technician.get(f"/runs/{run.pk}"))
    assert "Waiting for you" in before
    assert "Read cell 1" in before

    answer = technician.post(
        f"/runs/{run.pk}/readings", {"place": "1", "cell": "", "volts": "3,642"}
    )

    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.pk}")
    page = text(technician.get(f"/runs/{run.pk}"))
    assert "Read cell 2" in page
    assert "3.642" in page
    assert "Put a slip right" in page


def test_the_place_that_was_shown_is_meant_and_not_the_next_of_somebody_else(
    cast: Cast, technician: Client
) -> None:
    run = reading(cast)
    technician.post(f"/runs/{run.pk}/readings", {"place": "1", "volts": "3.642"})

    late = technician.post(f"/runs/{run.pk}/readings", {"place": "1", "volts": "3.640"})

    assert late.status_code == 409
    assert "was read already" in text(late)
    assert PersonAct.objects.count() == 1


def test_what_is_measured_again_stays_with_its_place(cast: Cast, technician: Client) -> None:
    """Also a correction, and where another cell would be next."""
    run = reading(cast)
    for place in ("1", "2"):
        technician.post(f"/runs/{run.pk}/readings", {"place": place, "volts": "3.642"})
    asked = {"place": "1", "volts": "3.462", "corrects": "1"}

    page = technician.post(f"/runs/{run.pk}/readings", asked)

    form = page.content.decode()
    assert 'name="place" value="1"' in form
    assert 'name="corrects" value="1"' in form
    assert "Read cell 1 " in text(page)


def test_a_tap_that_comes_twice_is_one_figure(cast: Cast, technician: Client) -> None:
    run = reading(cast)
    form = {"place": "1", "volts": "3.642", "once": "k-1"}

    first = technician.post(f"/runs/{run.pk}/readings", form)
    second = technician.post(f"/runs/{run.pk}/readings", form)

    assert (first.status_code, second.status_code) == (303, 303)
    assert PersonAct.objects.count() == 1


def test_a_jump_is_asked_again_and_the_same_figure_then_stands(
    cast: Cast, technician: Client
) -> None:
    run = reading(cast)
    technician.post(f"/runs/{run.pk}/readings", {"place": "1", "volts": "3.642"})

    asked = technician.post(f"/runs/{run.pk}/readings", {"place": "2", "volts": "3.462"})

    assert asked.status_code == 409
    assert "180 mV below the others" in text(asked)
    assert 'name="first" value="3.462"' in asked.content.decode()
    again = {"place": "2", "volts": "3.463", "first": "3.462"}
    assert technician.post(f"/runs/{run.pk}/readings", again).status_code == 303


def test_millivolts_are_named_and_stay_in_the_field(cast: Cast, technician: Client) -> None:
    page = technician.post(f"/runs/{reading(cast).pk}/readings", {"place": "1", "volts": "3642"})

    assert "looks like millivolts. Type volts: 3.642" in text(page)
    assert 'name="volts" value="3642"' in page.content.decode()


def test_the_part_that_is_polled_changes_with_each_figure(cast: Cast, technician: Client) -> None:
    """A field must not be replaced under a finger, and must follow somebody else's figure."""
    run = reading(cast)
    page = technician.get(f"/runs/{run.pk}").content.decode()
    version = page.split('id="ask-shown" name="shown" value="')[1].split('"')[0]
    assert technician.get(f"/runs/{run.pk}/ask", {"shown": version}).status_code == 204

    technician.post(f"/runs/{run.pk}/readings", {"place": "1", "volts": "3.642"})

    followed = technician.get(f"/runs/{run.pk}/ask", {"shown": version})
    assert followed.status_code == 200
    assert "Read cell 2" in text(followed)


def test_a_program_reads_by_hand_over_rest(cast: Cast, tola: Api) -> None:
    run = reading(cast)
    before = tola.get(f"runs/{run.pk}").json()["reads"]
    assert [cell["position"] for cell in before["left"]] == [1, 2, 3, 4]

    answer = tola.post(f"runs/{run.pk}/readings", volts="3,642", cell="3")

    assert answer.status_code == 201
    body = answer.json()
    assert (body["cell"], body["voltage_v"], body["step"]) == (3, 3.642, "disconnect")
    (read,) = body["reads"]["read"]
    assert (read["position"], read["voltage_v"], read["at"]) == (3, 3.642, body["at"])
    assert codes(tola.post(f"runs/{run.pk}/readings", volts="3.6", cell="3")) == ["read_already"]
    assert codes(tola.post(f"runs/{run.pk}/readings", volts="3642")) == ["implausible"]
    assert tola.post(f"runs/{run.pk}/readings").status_code == 400


def test_everybody_sees_that_a_check_was_by_hand(cast: Cast, tola: Api, technician: Client) -> None:
    """B7: a lower class of evidence, on the run, on the cell and over REST."""
    run = reading(cast)
    record_voltage_check(
        run=run,
        kind="DISCONNECT",
        meter=run.station.instruments.get(role="manual"),
        target_v=3.65,
        results=[
            CellResult(n, 3.64, "pass", Window(3.62, 3.655), NOON, NOON, 60.0) for n in (1, 2, 3, 4)
        ],
        current_stopped=OffProof(NOON, NOON, 0.0),
        simulated=False,
        now=NOON,
        again=Taken(1, 3.638, NOON, NOON),
    )
    serial = run.run_cells.get(position=1).cell.serial

    (check,) = tola.get(f"runs/{run.pk}").json()["checks"]
    assert (check["by_hand"], check["again"]["voltage_v"]) == (True, 3.638)
    assert "Read by hand with Fluke 87V" in text(technician.get(f"/runs/{run.pk}"))
    assert [c["by_hand"] for c in tola.get(f"cells/{serial}").json()["checks"]] == [True]
    assert "Disconnect check, by hand" in text(technician.get(f"/cells/{serial}"))
