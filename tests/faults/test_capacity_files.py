"""Row 46: a capacity file that is none, or without end: refused by line, nothing of it kept."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from deploy.limits import BODY_MAX
from shop.evidence.models import CapacityTest
from stations.clock import guard_s
from tests import factories
from tests.api.clients import logged_in
from tests.cast import Cast, the_cast
from tests.faults.matrix import Trial
from tests.stations.sim.harness import ROOT
from tests.wait import wait_until

HEADER = "serial,capacity_ah,tested_at"
GIGABYTE = 1_000_000_000
BLOCK = b"x" * 65_536
GROWTH_MAX_KB = 40_000  # of the server, 4 % of the file
WITHIN_S = 30.0


def _rows(serials: Sequence[str], *broken: str) -> bytes:
    good = [f"{serial},200.5,2026-11-01" for serial in serials]
    return "\n".join([HEADER, *good, *broken]).encode()


# Each from the serials of three known cells: the file, and what its problems begin with.
SPOILED: Mapping[str, tuple[Callable[[Sequence[str]], bytes], Sequence[str]]] = {
    "a million columns": (lambda s: b"," * 1_000_001, ["The file has 1,000,001"]),
    "half a million columns": (lambda s: b"," * 499_999, ["Line 1 is longer"]),
    "UTF-16": (lambda s: _rows(s).decode().encode("utf-16"), ["The file is UTF-16"]),
    "a mark, then NUL": (
        lambda s: b"\xef\xbb\xbf" + _rows(s, "C-9,\x00,2026-11-01", "C-8,\x00,2026-11-01"),
        ["Line 5 holds a NUL", "Line 6 holds a NUL"],
    ),
    "formulas": (
        lambda s: _rows(s, "=cmd(),200,2026-11-01", "@x,=1+1,2026-11-01"),
        ["Line 5: cell =cmd() is not known", "Line 6: capacity_ah '=1+1'"],
    ),
    "NaN and infinity": (
        lambda s: _rows(s, f"{s[0]},NaN,2026-11-01", f"{s[0]},Infinity,2026-11-01"),
        ["Line 5: capacity_ah 'NaN'", "Line 6: capacity_ah 'Infinity'"],
    ),
    "a cell twice": (
        lambda s: _rows([*s, s[0], s[1]]),
        ["Line 5: cell {0} stands already", "Line 6: cell {1} stands already"],
    ),
    "good rows between bad ones": (
        lambda s: _rows(s[:2], '"open,200,2026-11-01', f"{s[2]},201,2026-11-01", "x,1"),
        ["Line 4 is not plain CSV", "Line 6 has 2 columns"],
    ),
    "a thousand bad rows": (
        lambda s: _rows(s, *["x,1"] * 1000),
        [f"Line {n} has 2 columns" for n in range(5, 55)] + ["There are 950 more"],
    ),
}


@pytest.mark.fault("46", "capacity file that is none of ours", trials=20)
@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_capacity_file_is_refused_by_line_and_nothing_is_kept(
    db: None, name: str, trial: Trial
) -> None:
    cast = the_cast()
    factories.make_policy(by=cast.sade)
    serials = [cell.serial for cell in factories.make_cells(3)]
    make, words = SPOILED[name]
    upload = SimpleUploadedFile("grading.csv", make(serials), content_type="text/csv")

    tola = logged_in(cast.tola)
    answer = tola.post("/api/v1/capacity-tests/import", {"file": upload})

    said = [problem["words"] for problem in answer.json()["problems"]]
    trial.happened(upload.size)
    assert answer.status_code == 409
    assert len(said) == len(words)
    for told, begins in zip(said, words, strict=True):
        assert told.startswith(begins.format(*serials))
    assert not CapacityTest.objects.exists()


@pytest.mark.fault("46", "capacity file of 1 GB", trials=5, limit_s=WITHIN_S)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("says_so", [True, False], ids=["it says so", "it does not say so"])
def test_a_gigabyte_is_refused_before_it_is_taken_in(
    process_env: dict[str, str], says_so: bool, trial: Trial
) -> None:
    cast = the_cast()
    with web(process_env) as (port, process):
        before_kb = peak_kb(process.pid)

        began_s = guard_s()
        status, sent = stream(port, cast, says_so=says_so)
        trial.off_after(guard_s() - began_s)

        trial.happened(says_so or sent > BODY_MAX)
        assert status == 413
        assert sent < GIGABYTE / 20
        assert peak_kb(process.pid) - before_kb < GROWTH_MAX_KB
        assert not CapacityTest.objects.exists()
        assert ask(port, "GET /api/v1/session HTTP/1.1", "Connection: close") == 200


@contextmanager
def web(environment: dict[str, str]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The web application in a process of its own, warmed up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        program = [sys.executable, "-m", "uvicorn", "deploy.asgi:application", "--lifespan", "off"]
        process = subprocess.Popen(
            [*program, "--fd", str(listening.fileno()), "--log-level", "warning"],
            cwd=ROOT,
            env=environment,
            pass_fds=[listening.fileno()],
        )
    try:
        wait_until(lambda: answers(port), within_s=30, what="the server's start")
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=20)


def answers(port: int) -> bool:
    try:
        return ask(port, "GET /api/v1/session HTTP/1.1", "Connection: close") == 200
    except OSError:
        return False


def ask(port: int, *lines: str) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head(port, *lines))
        return status_of(line)


def head(port: int, *lines: str) -> bytes:
    return "\r\n".join([*lines, f"Host: 127.0.0.1:{port}", "", ""]).encode()


def stream(port: int, cast: Cast, *, says_so: bool) -> tuple[int, int]:
    """Offer a gigabyte as Tola; the status of the answer, and how much was taken."""
    cookie = logged_in(cast.tola).cookies[settings.SESSION_COOKIE_NAME].value
    token = "x" * 32
    length = f"Content-Length: {GIGABYTE}" if says_so else "Transfer-Encoding: chunked"
    begin = head(
        port,
        "POST /api/v1/capacity-tests/import HTTP/1.1",
        "Content-Type: multipart/form-data; boundary=b",
        f"Cookie: {settings.SESSION_COOKIE_NAME}={cookie}; csrftoken={token}",
        f"X-CSRFToken: {token}",
        length,
    )
    block = BLOCK if says_so else b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as line:
        line.sendall(begin)
        while sent < GIGABYTE and not has_answer(line):
            try:
                line.sendall(block)
            except (BrokenPipeError, ConnectionResetError):
                break
            sent += len(BLOCK)
        return status_of(line), sent


def has_answer(line: socket.socket) -> bool:
    return bool(select.select([line], [], [], 0)[0])


def status_of(line: socket.socket) -> int:
    return int(line.recv(12).split()[1])


def peak_kb(pid: int) -> int:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(row for row in status.splitlines() if row.startswith("VmHWM")).split()[1])
