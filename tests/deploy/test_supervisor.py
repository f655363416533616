"""Programs are started in order, kept running, and always all ended."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.supervisor import Program, Supervisor
from tests.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = Path(__file__).with_name("children.py")


def program(kind: str, log: Path, *, stage: int = 0) -> Program:
    return Program(
        name=kind,
        command=(sys.executable, str(CHILDREN), kind, str(log)),
        stage=stage,
        ready_line="is ready",
        stop_s=1.0 if kind == "stubborn" else 5.0,
    )


class Supervised:
    """Runs a supervisor in this process and closes it once `until` holds."""

    def __init__(self, *programs: Program, folder: Path) -> None:
        self.lines: list[tuple[str, str]] = []
        self._supervisor = Supervisor(
            programs, folder=folder, say=lambda name, line: self.lines.append((name, line))
        )

    def run(self, story: Program | None = None, *, once: bool = False, close: bool = True) -> int:
        def on_ready() -> None:
            if close and not story:
                self._supervisor.close()

        return asyncio.run(
            self._supervisor.run(story=story, close_after_story=once, on_ready=on_ready)
        )

    def run_until(self, said: str) -> int:
        async def work() -> int:
            running = asyncio.ensure_future(self._supervisor.run())
            async with asyncio.timeout(20):
                while not any(said in line for _, line in self.lines):
                    await asyncio.sleep(0.02)
            self._supervisor.close()
            return await running

        return asyncio.run(work())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


def told(log: Path) -> list[str]:
    return [" ".join(line.split()[:2]) for line in log.read_text().splitlines()]


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def pids(log: Path) -> list[int]:
    words = [line.split() for line in log.read_text().splitlines()]
    return [int(line[2]) for line in words if line[1] in ("start", "child")]


def test_starts_in_order_of_readiness_and_ends_in_reverse(log: Path) -> None:
    code = Supervised(
        program("worker", log, stage=2),
        program("bench", log, stage=0),
        program("guardian", log, stage=1),
        folder=log.parent,
    ).run()

    assert code == 0
    assert [words for words in told(log) if not words.endswith("term")] == [
        "bench start",
        "guardian start",
        "worker start",
        "worker end",
        "guardian end",
        "bench end",
    ]


def test_program_that_cannot_start_stops_everything_and_is_named(log: Path) -> None:
    supervised = Supervised(
        program("bench", log), program("broken", log, stage=1), folder=log.parent
    )

    code = supervised.run()

    assert code == 1
    assert any("broken" in line and "no such bench" in line for _, line in supervised.lines)
    assert "bench end" in told(log)


def test_program_that_ended_is_started_again(log: Path) -> None:
    supervised = Supervised(program("bench", log), folder=log.parent)

    async def kill_once() -> int:
        running = asyncio.ensure_future(supervised._supervisor.run())
        async with asyncio.timeout(20):
            while ("bench", "bench is ready") not in supervised.lines:
                await asyncio.sleep(0.02)
            os.kill(pids(log)[0], signal.SIGKILL)
            while supervised.lines.count(("bench", "bench is ready")) < 2:
                await asyncio.sleep(0.02)
        supervised._supervisor.close()
        return await running

    assert asyncio.run(kill_once()) == 0
    assert ("bench", "[ended with -9]") in supervised.lines


def test_silent_heart_is_killed_made_safe_and_started_again(log: Path) -> None:
    beating = replace(
        program("beating", log),
        heartbeat=log.with_name("heartbeat"),
        heartbeat_s=0.6,
        make_safe=(sys.executable, "-c", "print('output off')"),
    )
    supervised = Supervised(beating, folder=log.parent)

    supervised.run_until("made safe: exit 0")

    words = [line for _, line in supervised.lines]
    assert words[:3] == ["beating is ready", "[no heartbeat for 0.6 s: killed]", "output off"]


def test_program_that_is_complained_of_is_told_to_end_and_started_again(log: Path) -> None:
    complaint = log.with_name("complaint")
    complaint.touch()  # an old one is of its predecessor
    supervised = Supervised(replace(program("bench", log), complaint=complaint), folder=log.parent)

    async def complain_once() -> int:
        running = asyncio.ensure_future(supervised._supervisor.run())
        async with asyncio.timeout(20):
            while ("bench", "bench is ready") not in supervised.lines:
                await asyncio.sleep(0.02)
            while "bench term" not in told(log):
                complaint.touch()
                await asyncio.sleep(0.02)
            while supervised.lines.count(("bench", "bench is ready")) < 2:
                await asyncio.sleep(0.02)
        supervised._supervisor.close()
        return await running

    assert asyncio.run(complain_once()) == 0
    assert told(log) == ["bench start", "bench term", "bench end"] * 2
    assert ("bench", "[does not do its work: ended]") in supervised.lines


def test_program_that_does_not_end_is_killed_and_made_safe(log: Path) -> None:
    stubborn = replace(
        program("stubborn", log), make_safe=(sys.executable, "-c", "print('output off')")
    )
    supervised = Supervised(stubborn, folder=log.parent)

    supervised.run()

    assert ("stubborn", "output off") in supervised.lines
    assert not any(is_running(pid) for pid in pids(log))


def test_what_a_program_started_ends_with_it(log: Path) -> None:
    Supervised(program("parent", log), folder=log.parent).run()

    wait_until(lambda: not any(is_running(pid) for pid in pids(log)))


@pytest.mark.parametrize("code", [0, 4])
def test_story_decides_the_exit_code(log: Path, code: int) -> None:
    story = Program("story", (sys.executable, "-c", f"print('told'); raise SystemExit({code})"))
    supervised = Supervised(program("bench", log), folder=log.parent)

    assert supervised.run(story, once=True) == code
    assert ("story", "told") in supervised.lines
    assert "bench end" in told(log)


@pytest.fixture
def supervisor(log: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.deploy.supervise", str(log), "bench", "guardian"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while "all ready" not in process.stdout.readline():
        assert process.poll() is None
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_ends_everything_in_order(
    log: Path, supervisor: subprocess.Popen[str], sign: signal.Signals
) -> None:
    os.killpg(supervisor.pid, sign)  # like a terminal: to the whole foreground group

    assert supervisor.wait(10) == 0
    assert told(log)[-4:] == ["guardian term", "guardian end", "bench term", "bench end"]
    assert "bench int" not in told(log)


def test_killed_supervisor_takes_its_programs_along_in_order(
    log: Path, supervisor: subprocess.Popen[str]
) -> None:
    supervisor.kill()
    supervisor.wait(5)

    wait_until(lambda: not any(is_running(pid) for pid in pids(log)))
    assert told(log)[-2:] == ["bench term", "bench end"]
    assert told(log).index("guardian end") < told(log).index("bench term")


def test_second_ctrl_c_does_not_wait_for_the_stubborn(log: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.deploy.supervise", str(log), "bench", "stubborn"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "all ready" not in process.stdout.readline():
        assert process.poll() is None

    process.send_signal(signal.SIGINT)
    wait_until(lambda: "stubborn term" in told(log))
    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=10)[0].count("in a hurry") == 2
    assert "bench end" in told(log)


@pytest.mark.parametrize(
    "leader",
    [[], ["sh", "-c", 'trap "" HUP; "$@"; exit $?', "leader"]],
    ids=["told", "behind a leader that waits"],
)
def test_closed_terminal_ends_everything(log: Path, leader: list[str]) -> None:
    """The kernel tells the session's leader alone; `make` keeps it to itself."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [*leader, sys.executable, "-m", "tests.deploy.supervise", str(log), "bench"],
        cwd=ROOT,
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # its controlling terminal
    )
    os.close(secondary)
    wait_until(lambda: b"all ready" in os.read(primary, 4096))

    os.close(primary)

    assert process.wait(10) == 0
    assert "bench end" in told(log)
