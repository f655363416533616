"""What makes no sense to a guardian is refused in words, or hung up on; the others go on."""

from __future__ import annotations

from typing import Any

import pytest

from stations.guardian_client import GuardianBench
from stations.wire import connect
from tests.faults.guarded import PROTECTION, SETPOINT, Guarded, next_reading


@pytest.mark.parametrize(
    "request_fields",
    [
        {"op": "fly"},
        {"op": []},
        {},
        {"op": "open", "token": 10**6},
        {"op": "open", "token": 10**6, "run": "../x", "attempt": 1, "limits": {}},
        {"op": "act"},
        {"op": "pet", "token": "1"},
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_words(
    guardian: Guarded, request_fields: dict[str, Any]
) -> None:
    reply = guardian.ask(**request_fields)

    assert (reply["ok"], reply["code"]) == (False, "bad_request")
    assert reply["error"]


def test_nonsense_on_the_line_is_hung_up_on(guardian: Guarded) -> None:
    with connect(guardian.sim.config.socket, 5.0) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert line.recv(100) == b""

    assert guardian.link.status()["output"] == "off"


@pytest.mark.parametrize(
    "line",
    [
        b'{"op": "note", "data": ' + b"[" * 100_000,
        b'{"op": "lease", "valid_s": 60.5, "token": %d, "sent_s": -1' + b"0" * 400 + b"}",
        b'{"op": "stop", "run": "another", "id": NaN}',
    ],
    ids=["too deep", "too large", "an id that is no number"],
)
def test_one_callers_nonsense_ends_his_connection_alone(
    guardian: Guarded, runner: GuardianBench, line: bytes
) -> None:
    runner.configure(SETPOINT, PROTECTION)
    runner.energise()

    with connect(guardian.sim.config.socket, 5.0) as caller:
        caller.sendall(line.replace(b"%d", str(guardian.token).encode()) + b"\n")
        assert caller.recv(100) == b""

    assert next_reading(runner).output_on
    assert guardian.process.poll() is None
    runner.off()
