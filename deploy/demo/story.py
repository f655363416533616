"""One night, one pack, through HTTP only: `python -m deploy.demo.story <url> --hands=…`.

A technician claims and starts a balance and does what the run page asks for, a supervisor
approves, the technician assembles, a customer without an account traces the pack.  It writes
no evidence: every volt it prints was measured by an instrument and came through driver,
guardian and worker.  Exits 0 only if the pack was assembled and traced.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from deploy.demo import telling
from deploy.demo.client import Hands, Person, Refused, StoryFailed, until
from stations.clock import wall_now

ONLINE_S = 150.0  # a lease of a killed predecessor lapses within TTL and grace
RUN_S = 240.0
OVER = ("FINISHED", "REFUSED", "TRIPPED", "ERROR", "STOPPED")
HANDS_DO = {"connect": "on", "unlink": "off"}  # what a step asks for, done at the bench


class Story:
    """The characters, and the acts in their order."""

    def __init__(self, url: str, hands: Mapping[str, str], passwords: Mapping[str, str]) -> None:
        self._url = url
        self._hands = hands
        self._passwords = passwords

    def play(self) -> None:
        started = time.monotonic()
        technician = self._log_in("technician")
        job, station = self._choose(technician)
        serials = [cell["serial"] for cell in job["cells"]]
        self._import_capacities(technician, serials)
        run = self._start(technician, job, station)
        run = self._attend(technician, run["id"], Hands(self._hands[station]))
        telling.show_evidence(run)
        if run["state"] != "FINISHED":
            raise StoryFailed(f"the run ended as {run['state']}: {run['cause']}")
        self._approve(self._log_in("supervisor"), serials)
        serial = self._assemble(technician, serials)
        trace_url = self._trace(technician, serial)
        telling.tell(f"done in {time.monotonic() - started:.0f} s; the customer sees {trace_url}")

    def _log_in(self, username: str) -> Person:
        person = Person(self._url, username, self._passwords[username])
        telling.tell(f"{username} logs in")
        return person

    def _choose(self, technician: Person) -> tuple[dict[str, Any], str]:
        """The oldest open job, and a station that is free and known to be off."""
        jobs = [job for job in technician.get("jobs")["jobs"] if job["state"] == "OPEN"]
        if not jobs:
            raise StoryFailed("no job is open")
        job = min(jobs, key=lambda candidate: int(candidate["id"]))

        def free() -> str | None:
            for station in technician.get("stations")["stations"]:
                idle = station["run"] is None and station["job"] is None
                if station["online"] and station["output"] == "OFF" and idle:
                    return str(station["slug"])
            return None

        station = until(free, within_s=ONLINE_S, what="a free station with its output proven off")
        technician.post(f"jobs/{job['id']}/claim", {"station": station})
        telling.tell(f"technician claims job {job['id']} ({len(job['cells'])} cells) at {station}")
        return job, station

    def _import_capacities(self, technician: Person, serials: Sequence[str]) -> None:
        """A tester's file: capacities of one lot, measured a week ago."""
        tested = (wall_now() - timedelta(days=7)).date().isoformat()
        rows = [f"{s},{200.4 + 0.3 * n:.1f},{tested}" for n, s in enumerate(serials)]
        content = "\n".join(["serial,capacity_ah,tested_at", *rows, ""])
        technician.post("capacity-tests/import", file=("capacity.csv", content.encode()))
        telling.tell(f"technician imports {len(rows)} capacity tests from a file")

    def _start(self, technician: Person, job: Mapping[str, Any], station: str) -> dict[str, Any]:
        run: dict[str, Any] = technician.post(f"jobs/{job['id']}/start", {"confirmed": True})
        telling.tell(f"technician confirms the set-up and starts run {run['id']} at {station}")
        return run

    def _attend(self, technician: Person, run_id: int, hands: Hands) -> dict[str, Any]:
        """Do what the run asks for until it is over."""
        done: set[str] = set()
        teller = telling.RunTeller()

        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = technician.get(f"runs/{run_id}")
            teller.tell(run)
            needs = run["needs"]
            if needs is not None and needs["step"] not in done:
                done.add(needs["step"])
                self._do(technician, run_id, needs, hands)
            return run if run["state"] in OVER else None

        return until(look, within_s=RUN_S, what=f"run {run_id} to end")

    def _do(self, technician: Person, run_id: int, needs: Mapping[str, Any], hands: Hands) -> None:
        step = str(needs["step"])
        if step in HANDS_DO:
            hands.links(HANDS_DO[step])
        technician.post(f"runs/{run_id}/confirm", {"step": step})
        telling.tell(f"technician: {needs['title']}: done and confirmed")

    def _approve(self, supervisor: Person, serials: Sequence[str]) -> None:
        waiting = {row["serial"]: row for row in supervisor.get("approvals")["cells"]}
        missing = [serial for serial in serials if serial not in waiting]
        if missing:
            raise StoryFailed(f"these cells do not wait for approval: {', '.join(missing)}")
        seen = [
            {"serial": serial, "evidence_sha256": waiting[serial]["evidence_sha256"]}
            for serial in serials
        ]
        supervisor.post("approvals", {"cells": seen})
        telling.tell(f"supervisor approves {len(seen)} cells on the evidence seen")

    def _assemble(self, technician: Person, serials: Sequence[str]) -> str:
        design = next(
            d for d in technician.get("designs")["designs"] if int(d["cells"]) == len(serials)
        )
        customer = technician.get("customers")["customers"][0]
        plan = {
            "design": design["name"],
            "cells": list(serials),
            "simulated": True,
            "sample": False,
        }
        checked = technician.post("packs/check", plan)
        telling.show_findings(checked["findings"])
        if not checked["allowed"]:
            raise StoryFailed("the gate does not let this pack be assembled")
        serial = f"P-{serials[0]}"
        technician.post("packs", plan | {"serial": serial, "customer": customer["id"]})
        telling.tell(
            f"technician assembles pack {serial} ({design['name']}) for {customer['name']}"
        )
        return serial

    def _trace(self, technician: Person, serial: str) -> str:
        """Share the pack and read it as its customer, who has no account."""
        link = technician.post(f"packs/{serial}/links")
        customer = Person(self._url)
        seen = customer.get(f"trace/{link['secret']}")
        runs = [balance["run_id"] for balance in seen["balances"]]
        curves = [
            customer.get(f"trace/{link['secret']}/curve?run={run}&points=200") for run in runs
        ]
        page = customer.page(f"/t/{link['secret']}")
        measured = sum(curve["readings"] for curve in curves)
        if seen["serial"] != serial or not seen["valid"] or not measured or serial not in page:
            raise StoryFailed(f"the trace of {serial} is not valid")
        telling.tell(
            f"customer traces {seen['serial']}: valid, {len(seen['cells'])} cells, "
            f"a curve of {measured} readings"
        )
        return f"{self._url}/t/{link['secret']}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Play the main job through HTTP.")
    parser.add_argument("url")
    parser.add_argument("--hands", action="append", default=[], metavar="STATION=URL")
    arguments = parser.parse_args()
    hands = dict(word.split("=", 1) for word in arguments.hands)
    passwords = {
        name: os.environ[f"STORY_{name.upper()}_PASSWORD"] for name in ("technician", "supervisor")
    }
    try:
        Story(arguments.url, hands, passwords).play()
    except (StoryFailed, Refused, httpx.HTTPError) as failure:
        telling.tell(f"FAILED: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
