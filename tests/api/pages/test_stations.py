"""`/stations`: a shop sets up its benches by pages: stations, instruments, certificates (F1)."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shop import clock
from shop.equipment.instruments import register_instruments
from shop.equipment.models import Calibration, Commissioning, Instrument, Station
from shop.equipment.rules.registering import Named
from stations.commissioning.asking import Answered
from stations.commissioning.terminal import registered
from stations.config import InstrumentConfig
from stations.values import Identity
from tests import factories
from tests.api.clients import Api, codes, text
from tests.cast import Cast
from tests.shop.equipment.reports import document_of

NEW = {"slug": "bench-1", "name": "Bench 1", "host": "pi-1"}
SUPPLY = {"kind": "supply riden_rd6018", "serial_number": "00012345"}
METER = {"kind": "meter keysight_34461a", "serial_number": "MY1"}
A_SUPPLY = {"role": "supply", "driver": "riden_rd6018", "serial_number": "00012345"}
A_METER = {"role": "meter", "driver": "keysight_34461a", "serial_number": "MY1", "model": "34461A"}
IDENTIFIED = "/stations/bench-1/identified"
HAND_HELD = {"kind": "manual ", "serial_number": "87-1", "model": "Fluke 87V"}


def found(*instruments: dict[str, str]) -> SimpleUploadedFile:
    """As `python -m stations identify --json` prints it."""
    told = json.dumps({"instruments": instruments}, indent=2) + "\n"
    return SimpleUploadedFile("instruments.json", told.encode())


def test_a_shop_sets_up_its_first_bench(cast: Cast, supervisor: Client) -> None:
    assert "No station yet" in text(supervisor.get("/"))
    made = supervisor.post("/stations/new", NEW)
    assert (made.status_code, made["Location"]) == (303, "/stations/bench-1")
    assert "bench-1 has no supply and no meter." in text(supervisor.get("/stations/bench-1"))

    for sent in (SUPPLY, METER, HAND_HELD):
        assert supervisor.post("/stations/bench-1/instruments", sent).status_code == 303

    page = text(supervisor.get("/stations/bench-1"))
    assert "Supply RD6018" in page
    assert "60 V, 18 A, 1080 W" in page
    assert "Hand-held meter Fluke 87V" in page
    assert "No job can be done here yet" not in page
    assert "Can be done here: balance; " in page
    assert "Station bench-1 has no load and no scanner." in page
    assert page.count("No certificate") == 3
    assert "/stations/bench-1" in supervisor.get("/").content.decode()


def test_a_station_called_new_would_have_no_page(cast: Cast, supervisor: Client) -> None:
    refused = supervisor.post("/stations/new", NEW | {"slug": "new"})

    assert refused.status_code == 409
    assert "'new' cannot be a station's short name" in text(refused)


def test_a_phone_leaves_a_serial_number_as_it_is_typed(cast: Cast, supervisor: Client) -> None:
    """A relay board answers as unit-1: UNIT-1 would be another one at every preflight."""
    station = factories.make_station()

    page = supervisor.get(f"/stations/{station.slug}").content.decode()

    (field,) = re.findall(r'<input name="serial_number"[^>]*>', page)
    assert 'autocapitalize="none"' in field


def test_a_certificate_is_recorded_to_the_end_of_its_last_day(
    cast: Cast, supervisor: Client
) -> None:
    station = factories.make_station(calibrated=False, now=clock.now())
    meter = station.instruments.get(role="meter")
    today = clock.now().date()
    sent = {"certificate": "K-1", "valid_from": f"{today}", "valid_until": f"{today}"}

    done = supervisor.post(f"/instruments/{meter.pk}/calibrations", sent)

    assert (done.status_code, done["Location"]) == (303, f"/stations/{station.slug}")
    known = Calibration.objects.get()
    assert (known.valid_until - known.valid_from).total_seconds() == 86_399
    assert "Calibrated until" in text(supervisor.get(f"/stations/{station.slug}"))


def test_an_expired_and_a_withdrawn_certificate_are_said(cast: Cast, supervisor: Client) -> None:
    station = factories.make_station(calibrated=False, now=clock.now())
    meter, supply = (station.instruments.get(role=role) for role in ("meter", "supply"))
    past = {"certificate": "K-1", "valid_from": "2024-01-01", "valid_until": "2024-12-31"}
    supervisor.post(f"/instruments/{meter.pk}/calibrations", past)
    known = factories.calibrate(supply, now=clock.now())
    supervisor.post(f"/calibrations/{known.pk}/withdraw", {"words": "It was dropped."})

    page = text(supervisor.get(f"/stations/{station.slug}"))

    assert "Its calibration ended on 31 Dec 2024" in page
    assert "Its certificate was withdrawn" in page
    assert "It was dropped." in page


def test_one_that_ends_soon_is_a_warning(cast: Cast, supervisor: Client) -> None:
    station = factories.make_station(calibrated=False, now=clock.now())
    factories.calibrate(station.instruments.get(role="meter"), now=clock.now(), days=12)

    page = text(supervisor.get(f"/stations/{station.slug}"))
    assert re.search(r"Calibrated until .*, 1[12] days more", page)
    assert "Ends soon" in text(supervisor.get("/stations"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"valid_until": "2026-02-30"}, "'2026-02-30' is not a day"),
        ({"valid_until": ""}, "is not a day"),
        ({"valid_from": "2027-01-01", "valid_until": "2026-01-01"}, "before it begins"),
        ({"valid_until": "9999-12-31"}, "Check the years"),
        ({"valid_from": "0026-01-01", "valid_until": "0027-01-01"}, "valid from 0026-01-01"),
        ({"certificate": "K" * 101}, "100 is the most"),
    ],
)
def test_a_wrong_certificate_is_refused_beside_what_was_typed(
    cast: Cast, supervisor: Client, changed: dict[str, str], words: str
) -> None:
    meter = factories.make_station(calibrated=False).instruments.get(role="meter")
    usual = {"certificate": "K-1", "valid_from": "2026-01-01", "valid_until": "2027-01-01"}
    sent = usual | changed

    refused = supervisor.post(f"/instruments/{meter.pk}/calibrations", sent)

    assert refused.status_code == 409
    assert words in text(refused)
    assert f'value="{sent["certificate"]}"' in refused.content.decode()
    assert not Calibration.objects.exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"kind": "", "serial_number": "1"}, "No role ''"),
        ({"kind": "supply isdt", "serial_number": "1"}, "A multi-cell charger is no supply"),
        ({"kind": "load riden_rd6018", "serial_number": "1"}, "Choose one of bk_8514"),
        (SUPPLY | {"serial_number": ""}, "The serial number is missing"),
        (METER | {"serial_number": "MY2"}, "has a meter already"),
        (HAND_HELD | {"model": ""}, "Its model is missing"),
    ],
)
def test_a_wrong_instrument_is_refused_on_the_page(
    cast: Cast, supervisor: Client, sent: dict[str, str], words: str
) -> None:
    station = factories.make_station()

    refused = supervisor.post(f"/stations/{station.slug}/instruments", sent)

    assert refused.status_code == 409
    assert words in text(refused)
    assert station.instruments.count() == 3


def test_what_identify_found_is_taken_in_at_once(cast: Cast, supervisor: Client) -> None:
    station = Station.objects.create(slug="bench-1", name="1")
    page = supervisor.get("/stations/bench-1").content.decode()
    assert re.search(r"<details[^>]* open><summary>Send in what identify found", page)

    done = supervisor.post(IDENTIFIED, {"identified": found(A_SUPPLY, A_METER)})

    assert (done.status_code, done["Location"]) == (303, "/stations/bench-1")
    assert [row.model for row in station.instruments.order_by("pk")] == ["RD6018", "34461A"]


def test_what_the_bench_prints_is_what_is_taken_in(cast: Cast, supervisor: Client) -> None:
    station = Station.objects.create(slug="bench-1", name="1")
    config = InstrumentConfig("meter", "keysight_34461a", "TCPIP::b::5025::SOCKET", "MY1")
    silent = InstrumentConfig("load", "itech_it8514c", "/dev/load", "9")
    rows = [Answered(config, Identity("meter", "34461A", "MY1", "A.02")), Answered(silent, None)]

    file = SimpleUploadedFile("instruments.json", registered(rows).encode())
    done = supervisor.post(IDENTIFIED, {"identified": file})

    assert done.status_code == 303
    assert station.instruments.get().serial_number == "MY1"


def test_it_may_have_been_written_by_a_windows_shell(cast: Cast, supervisor: Client) -> None:
    station = Station.objects.create(slug="bench-1", name="1")
    sent = json.dumps({"instruments": [A_METER]}).encode("utf-16")

    done = supervisor.post(IDENTIFIED, {"identified": SimpleUploadedFile("i.json", sent)})

    assert done.status_code == 303
    assert station.instruments.get().serial_number == "MY1"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (None, "No file was sent"),
        (b"", "No file was sent"),
        (b"role  model  serial number", "not the JSON that identify prints"),
        (b"\xff\xfe\x00", "not the JSON that identify prints"),
        (b"[" * 15_000, "not the JSON that identify prints"),
        (b" " * 20_001, "more than 20000 bytes"),
        (b'{"instruments": []}', "nobody at the bench answered"),
        (b"[]", "not what identify prints: it lists no instruments"),
        (b'{"schema": "commissioning/1"}', "it lists no instruments"),
        (b'{"instruments": "MY1"}', "instruments: Expected a list"),
        (b'{"instruments": [{"role": "meter"}]}', "instruments.0.serial_number: This field is"),
        ([A_SUPPLY, A_METER | {"driver": "fluke"}], "There is no meter driver 'fluke'"),
        ([A_SUPPLY, A_METER | {"model": "34465A"}], "for a 34461A, not '34465A'"),
        ([A_SUPPLY, A_METER], "bench-1 has a meter already: 34461A MY7"),
        ([A_SUPPLY, A_METER | {"serial_number": "MY8"}], "MY8 is the meter of bench-2 already"),
        ([A_METER | {"serial_number": "MY7"}], "MY7 lies at bench-1 already"),
    ],
)
def test_what_is_no_finding_of_identify_is_refused_whole(
    cast: Cast, supervisor: Client, sent: bytes | list[dict[str, str]] | None, words: str
) -> None:
    for number in (1, 2):
        station = Station.objects.create(slug=f"bench-{number}", name=f"{number}")
        meter = Named("meter", "keysight_34461a", f"MY{6 + number}")
        register_instruments(station=station, named=[meter], by=cast.sade, now=clock.now())
    file = found(*sent) if isinstance(sent, list) else SimpleUploadedFile("i.json", sent or b"")

    refused = supervisor.post(IDENTIFIED, {} if sent is None else {"identified": file})

    assert refused.status_code == 409
    assert words in text(refused)
    assert Instrument.objects.count() == 2


def test_a_refused_instrument_stays_chosen_as_what_it_is(cast: Cast, supervisor: Client) -> None:
    """The forms of what lies at no station send its model, too."""
    station = Station.objects.create(slug="bench-1", name="1")
    sent = {"kind": "meter keysight_34461a", "serial_number": "MY1", "model": "34465A"}

    page = supervisor.post("/stations/bench-1/instruments", sent).content.decode()

    assert re.findall(r'value="([^"]*)" selected', page) == ["meter keysight_34461a"]
    assert not station.instruments.exists()


def test_a_meter_is_replaced_and_comes_back(cast: Cast, supervisor: Client) -> None:
    station = factories.make_station(now=clock.now())
    path, meter = f"/stations/{station.slug}", station.instruments.get(role="meter")

    off = supervisor.post(f"/instruments/{meter.pk}/take-off", {"words": "To be calibrated."})
    assert (off.status_code, off["Location"]) == (303, path)
    assert "At no station" in text(supervisor.get("/stations"))
    assert "lies at no station" in text(supervisor.get(path))
    assert "At no station" in text(supervisor.get("/recalls"))
    back = {"kind": f"meter {meter.driver}", "serial_number": meter.serial_number}
    assert supervisor.post(f"{path}/instruments", back).status_code == 303
    assert station.instruments.get(role="meter") == meter
    again = supervisor.post(f"/instruments/{meter.pk}/take-off", {"words": " "})
    assert "An instrument is taken off with a reason. Say in at most 500 letters why." in text(
        again
    )


def test_a_double_tap_registers_and_records_once(cast: Cast, supervisor: Client) -> None:
    for number, (path, sent) in enumerate(
        [("/stations/new", NEW), ("/stations/bench-1/instruments", METER)]
    ):
        answers = [supervisor.post(path, sent | {"once": f"k-{number}"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
    meter = Instrument.objects.get()
    sent = {"certificate": "K-1", "valid_from": "2026-01-01", "valid_until": "2027-01-01"}
    for _ in range(2):
        supervisor.post(f"/instruments/{meter.pk}/calibrations", sent | {"once": "k-9"})

    assert (Station.objects.count(), Calibration.objects.count()) == (1, 1)


def test_a_technician_reads_and_registers_nothing(cast: Cast, technician: Client) -> None:
    station = factories.make_station(now=clock.now())
    meter, path = station.instruments.get(role="meter"), f"/stations/{station.slug}"

    for shown in (text(technician.get("/stations")), text(technician.get(path))):
        assert "Register this" not in shown
        assert "identify found" not in shown
        assert "Take it off" not in shown
    assert "Calibrated until" in text(technician.get(path))
    for act, sent in (
        ("/stations/new", NEW),
        (f"{path}/instruments", HAND_HELD),
        (f"{path}/identified", {"identified": found(A_SUPPLY)}),
        (f"/instruments/{meter.pk}/take-off", {"words": "Away."}),
        (
            f"/instruments/{meter.pk}/calibrations",
            {"certificate": "K", "valid_from": "2026-01-01", "valid_until": "2027-01-01"},
        ),
    ):
        assert technician.post(act, sent).status_code == 403


def test_a_technician_sends_the_report_of_a_check_in(cast: Cast, technician: Client) -> None:
    station = factories.make_station(slug="bench-1", now=clock.now())
    report = document_of(station, at=clock.now() - timedelta(hours=1))
    path = "/stations/bench-1/commissionings"

    wrong = technician.post(path, {"report": SimpleUploadedFile("c.json", b"{}")})
    none = technician.post(path, {})
    done = technician.post(path, {"report": SimpleUploadedFile("c.json", report)})

    assert [wrong.status_code, none.status_code, done.status_code] == [409, 409, 303]
    assert "This is no report of a bench" in text(wrong)
    assert Commissioning.objects.get().passed
    shown = text(technician.get("/stations/bench-1"))
    assert "Not to be left alone" not in shown
    assert "The load was not tried" not in shown
    assert "Calibrated when it was checked" in shown


def test_a_load_that_no_check_tried_is_named(cast: Cast, technician: Client) -> None:
    station = factories.make_station(slug="bench-1", load=True, now=clock.now())
    report = SimpleUploadedFile("c.json", document_of(station, at=clock.now()))

    technician.post("/stations/bench-1/commissionings", {"report": report})

    shown = text(technician.get("/stations/bench-1"))
    assert "Not to be left alone" not in shown
    assert "The load was not tried" in shown


def test_what_is_not_there_is_a_404(cast: Cast, supervisor: Client) -> None:
    assert supervisor.get("/stations/none").status_code == 404
    assert supervisor.post("/instruments/99/take-off", {"words": "x"}).status_code == 404
    assert supervisor.post("/stations/none/instruments", METER).status_code == 404


def test_a_supervisor_renames_and_retires_a_station_that_then_stands_apart(
    cast: Cast, supervisor: Client, technician: Client, sade: Api
) -> None:
    station = factories.make_station(slug="bench-9")
    assert "Retire the station" not in text(technician.get("/stations/bench-9"))

    named = supervisor.post("/stations/bench-9/rename", {"name": "By the door"})
    wrong = supervisor.post("/stations/bench-9/retire", {"words": ""})
    gone = supervisor.post("/stations/bench-9/retire", {"words": "The bench is sold."})

    assert (named.status_code, wrong.status_code, gone.status_code) == (303, 409, 303)
    assert "A station is retired with a reason." in text(wrong)
    page = text(supervisor.get("/stations/bench-9"))
    assert "By the door" in page
    assert "The bench is sold. It takes no jobs" in page
    assert "It takes no jobs; what was done here stays." in page
    assert "Put an instrument here" not in page
    listed = text(technician.get("/stations"))
    assert "Retired By the door bench-9" in listed
    assert "By the door" not in text(technician.get("/"))
    assert sade.get("stations").json()["stations"] == []
    job = factories.make_job(by=cast.tola)
    assert f'value="{station.slug}"' not in technician.get(f"/jobs/{job.pk}").content.decode()


def test_a_station_is_renamed_and_retired_over_rest(cast: Cast, tola: Api, sade: Api) -> None:
    factories.make_station(slug="bench-9")

    assert sade.post("stations/bench-9/rename", name="By the door").json()["name"] == "By the door"
    assert tola.post("stations/bench-9/retire", words="Sold.").status_code == 403
    shown = sade.post("stations/bench-9/retire", words="Sold.").json()
    assert shown["retired_at"] is not None
    assert codes(sade.post("stations/bench-9/retire", words="Sold.")) == ["station_retired"]
    assert sade.post("stations/ghost/retire", words="Sold.").status_code == 404
