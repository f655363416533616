"""The guardian's words wait for no reader."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stations.clock import wall_now
from stations.guardian.log import UnhurriedHandler
from tests.faults.guarded import charging_runner, guarded
from tests.wait import wait_until

LONG = "x" * 1000
Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Its reading end and its writing end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def record(words: str) -> logging.LogRecord:
    return logging.LogRecord("guardian", logging.INFO, __file__, 1, words, None, None)


def fill(end: int) -> None:
    """To the last byte."""
    os.set_blocking(end, False)
    for size in (1 << 20, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(end, b"x" * size)
    os.set_blocking(end, True)


def test_lines_come_out_whole_and_in_order(pipe: Pipe) -> None:
    handler = UnhurriedHandler(pipe[1])

    handler.handle(record("off"))
    handler.handle(record("on \udcff"))
    handler.close()

    assert os.read(pipe[0], 1000) == b"off\non \\udcff\n"


def test_lines_that_nobody_reads_are_dropped_and_counted(pipe: Pipe) -> None:
    handler = UnhurriedHandler(pipe[1], lines_max=5)

    for _ in range(200):
        handler.handle(record(LONG))

    dropped = handler.dropped
    assert dropped > 0
    heard = b""

    def told() -> bool:
        nonlocal heard
        heard += os.read(pipe[0], 1 << 16)
        return f"{dropped} lines were dropped".encode() in heard

    wait_until(told)
    handler.close()


def test_a_guardian_that_nobody_reads_still_switches_off(tmp_path: Path, pipe: Pipe) -> None:
    """A terminal held by Ctrl-S, or a supervisor that is stopped: the pipe is full."""
    fill(pipe[1])
    with guarded(tmp_path) as bench:
        bench.kill()
        bench.restart(words=pipe[1])

        with charging_runner(bench) as runner:
            killed = wall_now()
            runner.kill()

            bench.wait_off(killed)
