"""Scanning cells on a phone while the bench reads its own meter, by page and by REST (B7)."""

from __future__ import annotations

from django.test import Client

from shop.evidence.services.checks import record_voltage_check
from shop.jobs.models import PersonAct
from stations.procedures.state import CellResult, Taken
from stations.values import OffProof, Window
from tests.api.clients import Api, codes, text
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.jobs.test_scanning import leading, led_to, scanned, serial, told


def test_the_scan_field_comes_first_and_nothing_is_typed(cast: Cast, technician: Client) -> None:
    run = leading(cast)
    page = technician.get(f"/runs/{run.pk}")
    assert "Scan the next cell" in text(page)
    form = page.content.decode()
    assert 'name="cell" autofocus' in form
    assert 'name="volts"' not in form

    answer = technician.post(f"/runs/{run.pk}/scans", {"cell": serial(run, 2)})

    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.pk}")
    assert "Cell 2: the meter settles" in text(technician.get(f"/runs/{run.pk}"))


def test_what_the_bench_read_is_shown_with_its_age_and_what_is_left(
    cast: Cast, technician: Client
) -> None:
    run = leading(cast)
    led_to(run, cast, 1, 3.6412)

    page = text(technician.get(f"/runs/{run.pk}"))

    assert "1 read, 3 to go" in page
    assert "Last read: cell 1, 3.641 V" in page
    left = page.split("Left: ")[1].split("Put a slip right")[0]
    assert [f"{n} " in left for n in (2, 3, 4)] == [True] * 3


def test_why_a_scan_came_to_nothing_is_said_and_kept_harmless(
    cast: Cast, technician: Client
) -> None:
    run = leading(cast)
    told(run, scanned(run, cast, 1), words="the meter shows nothing <b>")

    page = technician.get(f"/runs/{run.pk}")

    assert "Not read" in text(page)
    assert "The meter shows nothing &lt;b&gt;" in page.content.decode()


def test_the_part_that_is_polled_follows_the_bench(cast: Cast, technician: Client) -> None:
    run = leading(cast)

    def version() -> str:
        page = technician.get(f"/runs/{run.pk}").content.decode()
        return page.split('id="ask-shown" name="shown" value="')[1].split('"')[0]

    seen = [version()]
    act = scanned(run, cast, 1)
    seen.append(version())
    told(run, act, words="the meter shows nothing")
    seen.append(version())
    led_to(run, cast, 1, 3.64)
    seen.append(version())

    assert len(set(seen)) == 4
    assert technician.get(f"/runs/{run.pk}/ask", {"shown": seen[-1]}).status_code == 204


def test_a_wrong_scan_is_refused_on_the_page_and_a_double_one_counts_once(
    cast: Cast, technician: Client
) -> None:
    run = leading(cast)
    wrong = technician.post(f"/runs/{run.pk}/scans", {"cell": "rubbish"})
    assert wrong.status_code == 409
    assert "Cell rubbish is not in this run." in text(wrong)
    form = {"cell": serial(run, 1), "once": "k-1"}

    for _ in range(2):
        assert technician.post(f"/runs/{run.pk}/scans", form).status_code == 303

    assert PersonAct.objects.filter(kind="scan").count() == 1


def test_a_program_scans_over_rest(cast: Cast, tola: Api) -> None:
    run = leading(cast)
    before = tola.get(f"runs/{run.pk}").json()["reads"]
    assert (before["led"], before["settling"], before["unread"]) == (True, None, "")

    answer = tola.post(f"runs/{run.pk}/scans", cell=serial(run, 3))

    assert answer.status_code == 201
    body = answer.json()
    assert (body["cell"], body["step"], body["reads"]["settling"]) == (3, "disconnect", 3)
    assert "voltage_v" not in body
    told(run, PersonAct.objects.get(pk=body["id"]), voltage_v=3.641)
    (read,) = tola.get(f"runs/{run.pk}").json()["reads"]["read"]
    assert (read["position"], read["voltage_v"]) == (3, 3.641)
    assert codes(tola.post(f"runs/{run.pk}/scans", cell=serial(run, 3))) == ["read_already"]
    assert codes(tola.post(f"runs/{run.pk}/readings", volts="3.64")) == ["meter_is_led"]
    assert tola.post(f"runs/{run.pk}/scans").status_code == 400
    assert tola.post(f"runs/{run.pk}/scans", cell="x" * 201).status_code == 400


def test_everybody_sees_that_a_check_was_by_the_led_bench_meter(
    cast: Cast, tola: Api, technician: Client
) -> None:
    run = leading(cast)
    record_voltage_check(
        run=run,
        kind="DISCONNECT",
        meter=run.station.instruments.get(role="meter"),
        target_v=3.65,
        results=[
            CellResult(n, 3.64, "pass", Window(3.62, 3.655), NOON, NOON, 60.0) for n in (1, 2, 3, 4)
        ],
        current_stopped=OffProof(NOON, NOON, 0.0),
        simulated=False,
        now=NOON,
        again=Taken(1, 3.638, NOON, NOON),
    )

    (check,) = tola.get(f"runs/{run.pk}").json()["checks"]
    assert (check["by_hand"], check["led"]) == (False, True)
    assert "Read cell by cell by the bench meter" in text(technician.get(f"/runs/{run.pk}"))
