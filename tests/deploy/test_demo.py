"""The demo's shop is made through the services, only what lacks; its benches are valid."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.core.management.base import CommandError

from deploy.demo import programs
from deploy.demo.benches import BENCHES, CHANNELS, DemoBench, write_folder
from deploy.demo.lock import FolderHeld, take
from deploy.demo.seed import JOB_CELLS, OTHER_RECIPES, seed
from deploy.management.commands import demo
from shop import clock
from shop.cells.models import Cell
from shop.equipment.models import Calibration, Instrument, Station
from shop.equipment.states import UNCALIBRATED
from shop.jobs.models import Job, RecipeVersion
from shop.jobs.states import JobState
from stations.config import load
from stations.drivers.registry import DRIVERS
from stations.sim.worldfile import load_world


@pytest.mark.django_db
def test_seed_makes_a_small_shop(tmp_path: Path) -> None:
    passwords = seed(tmp_path, now=clock.now())

    assert set(passwords) == {"technician", "technician2", "supervisor"}
    assert all(authenticate(username=n, password=p) for n, p in passwords.items())
    assert Station.objects.count() == 2
    assert Cell.objects.count() == 8
    assert [job.cells.count() for job in Job.objects.filter(state=JobState.OPEN)] == [4, 4]


@pytest.mark.django_db
def test_seed_again_changes_nothing_while_a_job_is_open(tmp_path: Path) -> None:
    now = clock.now()
    first = seed(tmp_path, now=now)

    again = seed(tmp_path, now=now + timedelta(days=1))

    assert again == first
    assert (Job.objects.count(), Cell.objects.count()) == (2, 8)
    recipes = 1 + len(OTHER_RECIPES)
    measuring = Instrument.objects.exclude(role__in=UNCALIBRATED).count()
    assert (RecipeVersion.objects.count(), Calibration.objects.count()) == (recipes, measuring)


@pytest.mark.django_db
def test_seed_brings_a_new_batch_when_no_job_is_open(tmp_path: Path) -> None:
    seed(tmp_path, now=clock.now())
    Job.objects.update(state=JobState.CANCELLED)

    seed(tmp_path, now=clock.now())

    assert Job.objects.filter(state=JobState.OPEN).count() == 2
    assert Cell.objects.count() == 16


@pytest.mark.django_db
def test_seed_renews_a_calibration_that_is_about_to_lapse(tmp_path: Path) -> None:
    now = clock.now()
    seed(tmp_path, now=now)

    seed(tmp_path, now=now + timedelta(days=364, hours=1))

    measuring = Instrument.objects.exclude(role__in=UNCALIBRATED)
    assert Calibration.objects.count() == 2 * measuring.count()


def test_passwords_are_private(tmp_path: Path) -> None:
    from deploy.demo.people import _passwords

    _passwords(tmp_path / "people.json")

    assert (tmp_path / "people.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.slug)
def test_bench_folder_is_what_the_bench_accepts(tmp_path: Path, bench: DemoBench) -> None:
    folder = write_folder(bench, tmp_path)

    config = load(folder.path / "bench.toml")
    world = load_world(folder.path / "world.toml")

    assert config.station == bench.slug
    assert config.clock == folder.path / "clock"
    assert config.scanner is not None
    assert len(world.cells) == len(config.scanner.channels) == len(CHANNELS) == JOB_CELLS
    assert (world.speed, world.wiring.lead_ohm) == (240.0, 0.005)
    assert world.hands_port == folder.hands_port
    assert {i.serial_number for i in config.instruments} == {
        i.serial_number for i in bench.instruments
    }
    assert all(i.driver in DRIVERS for i in bench.instruments)


def test_instruments_are_started_first_and_ended_last(tmp_path: Path) -> None:
    folders = [write_folder(bench, tmp_path) for bench in BENCHES]

    stages = {p.name: p.stage for p in programs.programs(folders, host="127.0.0.1", port=1)}

    for number in ("1", "2"):
        assert stages[f"bench {number}"] < stages[f"guard {number}"] < stages[f"worker {number}"]


def test_second_demo_says_who_has_the_data_and_touches_nothing(tmp_path: Path) -> None:
    lock = take(tmp_path, now=datetime(2026, 11, 20, 21, 14, 3, tzinfo=UTC).astimezone())
    lock.tell("http://127.0.0.1:8123")

    second = subprocess.run(
        [sys.executable, "manage.py", "demo"],
        env={"PATH": os.environ["PATH"], "CELLSHOP_DATA": str(tmp_path), "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == os.EX_TEMPFAIL
    assert second.stderr == (
        f"CommandError: a demo runs already on {tmp_path}: process {os.getpid()}, since "
        f"20 November 21:14:03. Open http://127.0.0.1:8123, or stop it (`kill {os.getpid()}`), "
        "or set CELLSHOP_DATA to another folder.\n"
    )
    assert not (tmp_path / "holder.lock").exists()  # no server was started for it
    lock.release()


def test_a_demo_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from deploy.demo.lock import take; "
        "from datetime import UTC, datetime; take(Path(sys.argv[1]), now=datetime.now(UTC)); "
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)

    assert killed.returncode == -9
    take(tmp_path, now=clock.now()).release()


def test_a_demo_that_has_not_said_who_it_is_yet_is_told_apart(tmp_path: Path) -> None:
    with (tmp_path / "demo.lock").open("w") as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        with pytest.raises(FolderHeld, match="just starting"):
            take(tmp_path, now=clock.now())


def test_demo_names_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CommandError, match="set CELLSHOP_DATA"):
        demo._lock(tmp_path / "file")
