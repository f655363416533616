"""The technician's hands over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from stations.sim.folder import Folder
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, inside


def test_begins_with_every_cell_alone(bench: Inside) -> None:
    state = bench.hands.state()

    assert (state["links"], state["leads"], state["output"]) == (False, False, False)
    assert state["speed"] == 1.0
    assert [round(c["soc"], 3) for c in state["cells"]] == [0.95] * 4


def test_joins_and_parts_the_bank(bench: Inside) -> None:
    joined = bench.hands.post("/links/on")
    parted = bench.hands.post("/links/off")

    assert (joined["links"], joined["leads"]) == (True, True)
    assert (parted["links"], parted["leads"]) == (False, False)
    moves = [(record["links"], record["leads"]) for record in bench.truth("hands")]
    assert moves == [(True, True), (False, False)]


def test_takes_the_leads_off_a_joined_bank(bench: Inside) -> None:
    bench.hands.post("/links/on")

    state = bench.hands.post("/leads/off")

    assert (state["links"], state["leads"]) == (True, False)
    assert bench.hands.post("/leads/on")["leads"] is True


def test_puts_leads_and_meter_on_one_cell_alone(tmp_path: Path) -> None:
    with inside(tmp_path, Folder(cells=[cell(soc=0.30), cell(soc=0.90)])) as bench:
        alone = bench.hands.post("/leads/cell/1")
        parted = bench.hands.post("/links/off")
        refused = httpx.post(bench.hands.url + "leads/cell/3")

        assert (alone["links"], alone["leads"], alone["alone"]) == (False, True, 1)
        assert [round(c["current_a"], 6) for c in alone["cells"]] == [0.0, 0.0]
        assert (parted["leads"], parted["alone"]) == (False, 0)
        assert refused.status_code == 409


def test_lays_the_meter_on_the_supply_s_leads(bench: Inside) -> None:
    bench.hands.post("/links/on")

    on_bank = bench.hands.post("/meter/leads")
    in_the_air = bench.hands.post("/leads/off")
    back = bench.hands.post("/meter/back")

    assert (on_bank["meter_on_leads"], back["meter_on_leads"]) == (True, False)
    assert on_bank["meter_v"] == pytest.approx(on_bank["cells"][3]["voltage_v"])
    assert in_the_air["meter_v"] == 0.0
    assert back["meter_v"] == pytest.approx(back["cells"][3]["voltage_v"])


def test_leads_the_bank_meter_to_one_cell_to_none_and_back(tmp_path: Path) -> None:
    with inside(tmp_path, Folder(cells=[cell(soc=0.30), cell(soc=0.90)])) as bench:
        assert bench.hands.state()["meter_led"] is None
        led = bench.hands.post("/meter/cell/1")
        off = bench.hands.post("/meter/off")
        refused = httpx.post(bench.hands.url + "meter/cell/3")
        back = bench.hands.post("/meter/back")
        bench.hands.post("/meter/cell/1")
        joined = bench.hands.post("/links/on")

        assert (led["meter_led"], led["leads"], led["links"]) == (1, False, False)
        assert (off["meter_led"], back["meter_led"], joined["meter_led"]) == (0, None, None)
        assert refused.status_code == 409
        bench.hands.post("/links/off")
        assert "Lead the meter to cell 2" in httpx.get(bench.hands.url).text


def test_unequal_cells_level_only_when_joined(tmp_path: Path) -> None:
    folder = Folder(cells=[cell(soc=0.30), cell(soc=0.90)])
    with inside(tmp_path, folder) as bench:
        alone = bench.hands.state()["cells"]
        joined = bench.hands.post("/links/on")["cells"]

    assert alone[1]["voltage_v"] - alone[0]["voltage_v"] > 0.04
    assert joined[0]["current_a"] == pytest.approx(-joined[1]["current_a"])
    assert joined[0]["current_a"] > 10


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/leads/on", None, 409),
        ("/links/sideways", None, 404),
        ("/faults", {"instrument": "meter"}, 400),
        ("/faults", {"instrument": "kettle", "fault": "silence"}, 400),
    ],
)
def test_refuses_in_words(
    bench: Inside, path: str, body: dict[str, str] | None, status: int
) -> None:
    response = httpx.post(bench.hands.url + path.removeprefix("/"), json=body)

    assert response.status_code == status
    assert json.loads(response.text)["error"]
    assert bench.truth("hands") == []


def test_will_not_join_a_reversed_cell(tmp_path: Path) -> None:
    cells = [cell(), cell(reversed=True)]
    with inside(tmp_path, Folder(cells=cells)) as bench:
        response = httpx.post(bench.hands.url + "links/on")

        assert response.status_code == 409
        assert "cell 2" in response.json()["error"]
        assert bench.hands.state()["cells"][1]["voltage_v"] < -3
        bench.scanner.tell("CONF:VOLT:DC 10,(@102);:SENS:VOLT:DC:NPLC 0.02,(@102)")
        assert bench.scanner.ask("READ?").startswith("-3.")


def test_has_a_page_whose_buttons_work(bench: Inside) -> None:
    with httpx.Client(base_url=bench.hands.url, headers={"Accept": "text/html"}) as browser:
        page = browser.get("/").text
        joined = browser.post("/links/on", follow_redirects=True).text
        form = {"instrument": "meter", "fault": "silence"}
        faulty = browser.post("/faults", data=form, follow_redirects=True).text

    assert "Every cell lies alone" in page
    assert "The cells are joined by links" in joined
    assert 'value="silence" selected' in faulty
