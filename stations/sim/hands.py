"""The simulated technician's hands: an HTTP page on this host to join and part the table.

`GET /` is a page with buttons, `GET /state` the truth as JSON.  `POST /links/on|off` puts links
and leads on or off together, `POST /leads/on|off` the leads alone, `POST /leads/cell/3` leads and
meter on one cell that lies alone; `POST /meter/cell/3` leads the probes of the bank meter to one
cell, `/meter/off` away from it, `/meter/leads` to the supply's leads and `/meter/back` to their
place.  `POST /string/on|off` joins the cells in series behind the BMS and puts the leads on, or
takes all off, `POST /cells/3/celsius/48.5` warms or cools a cell; `POST /faults` takes JSON or a
form with `instrument` and `fault`.  What can't be done is answered 409 with the reason.
"""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from stations.sim.circuit import Impossible
from stations.sim.faults import Switchboard, UnknownFault
from stations.sim.page import page
from stations.sim.world import World

BODY_MAX = 4096


class Table:
    """What hands can do, apart from HTTP."""

    def __init__(self, station: str, *, world: World, faults: Switchboard) -> None:
        self.station = station
        self._world = world
        self._faults = faults

    def state(self) -> dict[str, Any]:
        """The truth, in plain data."""
        seen = self._world.see()
        cells = zip(
            seen.cell_volts, seen.socs, seen.cell_currents, seen.temperatures_c, strict=True
        )
        return {
            "station": self.station,
            "at": datetime.fromtimestamp(seen.at_s, UTC).isoformat(),
            "speed": seen.speed,
            "links": seen.links,
            "series": seen.series,
            "bms_open": seen.bms.charge_open,
            "leads": seen.leads,
            "alone": seen.alone,
            "meter_on_leads": seen.meter_on_leads,
            "meter_v": seen.metered_v,
            "meter_led": seen.led,
            "output": seen.output.on,
            "tripped": seen.output.tripped,
            "contactor": seen.contactor,
            "regulation": seen.regulation,
            "supply_voltage_v": seen.terminal_v,
            "supply_current_a": seen.current_a,
            "load": seen.sink.on,
            "load_current_a": seen.drawn_a,
            "cells": [
                {"voltage_v": v, "soc": z, "current_a": i, "temperature_c": c}
                for v, z, i, c in cells
            ],
            "faults": dict(self._faults.names),
        }

    def links(self, on: bool) -> None:
        """Join the cells and clamp the leads on, or lay every cell down alone."""
        self._connect(links=on, leads=on)

    def leads(self, on: bool) -> None:
        seen = self._world.see()
        if not seen.series:
            self._connect(links=seen.links, leads=on)
            return
        self._string(leads=on)

    def string(self, on: bool) -> None:
        """Build the series string behind its BMS, leads on, or take it apart."""
        if not on:
            self._connect(links=False, leads=False)
            return
        self._string(leads=True)

    def _string(self, *, leads: bool) -> None:
        self._world.connect_string(leads=leads)
        self._world.note("hands", links=True, leads=leads, series=True)

    def one_cell(self, position: int) -> None:
        """Leads and meter on one cell that lies alone."""
        self._world.connect_cell(position)
        self._world.note("hands", links=False, leads=True, cell=position)

    def lay_meter(self) -> None:
        """The bank meter's probes on the supply's leads."""
        self._world.lay_meter()
        self._world.note("hands", meter="leads")

    def lead_meter(self, position: int | None) -> None:
        """The bank meter's probes on one cell, on none (0), or back in their place (None)."""
        self._world.lead_meter(position)
        self._world.note("hands", meter="back" if position is None else position)

    def warm(self, position: int, celsius: float) -> None:
        self._world.warm(position, celsius)
        self._world.note("hands", cell=position, celsius=celsius)

    def fault(self, instrument: str, fault: str) -> None:
        self._faults.set(instrument, fault)

    def _connect(self, *, links: bool, leads: bool) -> None:
        self._world.connect(links=links, leads=leads)
        self._world.note("hands", links=links, leads=leads)


class _Handler(BaseHTTPRequestHandler):
    server: HandsServer
    timeout = 10

    def do_GET(self) -> None:
        if self.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", page(self.server.table.state()))
        elif self.path == "/state":
            self._state(HTTPStatus.OK)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"nothing at {self.path}; see /")

    def do_POST(self) -> None:
        acts = {
            "/links/on": lambda: self.server.table.links(True),
            "/links/off": lambda: self.server.table.links(False),
            "/string/on": lambda: self.server.table.string(True),
            "/string/off": lambda: self.server.table.string(False),
            "/leads/on": lambda: self.server.table.leads(True),
            "/leads/off": lambda: self.server.table.leads(False),
            "/meter/leads": self.server.table.lay_meter,
            "/meter/off": lambda: self.server.table.lead_meter(0),
            "/meter/back": lambda: self.server.table.lead_meter(None),
            "/faults": self._fault,
        }
        try:
            self._body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), BODY_MAX))
            if cell := re.fullmatch(r"/leads/cell/(\d{1,3})", self.path):
                acts[self.path] = lambda: self.server.table.one_cell(int(cell.group(1)))
            if led := re.fullmatch(r"/meter/cell/(\d{1,3})", self.path):
                acts[self.path] = lambda: self.server.table.lead_meter(int(led.group(1)))
            if warm := re.fullmatch(r"/cells/(\d{1,3})/celsius/(-?\d{1,2}(?:\.\d)?)", self.path):
                position, celsius = int(warm.group(1)), float(warm.group(2))
                acts[self.path] = lambda: self.server.table.warm(position, celsius)
            if self.path not in acts:
                raise LookupError(f"nothing to do at {self.path}; see /")
            acts[self.path]()
        except LookupError as unknown:
            self._refuse(HTTPStatus.NOT_FOUND, str(unknown))
        except Impossible as refusal:
            self._refuse(HTTPStatus.CONFLICT, str(refusal))
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._done()

    def log_message(self, format: str, *args: Any) -> None:
        """The truth log says what hands did; the console stays readable."""

    def _fault(self) -> None:
        text = self._body.decode("utf-8", "replace")
        if "json" in self.headers.get("Content-Type", ""):
            asked = json.loads(text)
        else:
            asked = {key: values[0] for key, values in parse_qs(text).items()}
        if not isinstance(asked, dict) or set(asked) != {"instrument", "fault"}:
            raise UnknownFault("say which: instrument and fault")
        self.server.table.fault(str(asked["instrument"]), str(asked["fault"]))

    def _done(self) -> None:
        if "text/html" in self.headers.get("Accept", ""):
            self.send_response(HTTPStatus.SEE_OTHER)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._state(HTTPStatus.OK)

    def _state(self, status: HTTPStatus) -> None:
        self._send(status, "application/json", json.dumps(self.server.table.state()))

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._send(status, "application/json", json.dumps({"error": words}))

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class HandsServer(ThreadingHTTPServer):
    """Listens on this host only; port 0 takes a free one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, table: Table) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.table = table
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="hands", daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
