"""What the sweep must know of a driver to ask it what it asks of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stations.drivers import modbus
from stations.drivers.registry import DRIVERS
from stations.values import Identity
from tests.stations.drivers.transcript import Pair, Player

CHANNELS = (103, 101, 104, 102)  # wired in another order than the scanner answers
PROBES = (3, 1, 2)


@dataclass(frozen=True)
class Case:
    """One driver's transcript.

    `meet` and `setup` are exchanged on each new connection, `before`, `read` and `after` for the
    numbers in `expected`.  `other` also answers `read`, with other numbers; `namesake` answers
    the first of `meet` from another unit of the model, `stranger` from another model.
    """

    key: str
    player: Callable[[list[Pair]], Player]
    meet: list[Pair]
    identity: Identity
    read: Pair
    expected: tuple[float, ...]
    numbers: Callable[[Any], tuple[float, ...]]
    other: bytes
    namesake: bytes
    stranger: bytes = b""  # where the protocol tells models apart
    setup: list[Pair] = field(default_factory=list)
    before: list[Pair] = field(default_factory=list)
    after: list[Pair] = field(default_factory=list)
    on: list[Pair] = field(default_factory=list)  # by `energise`, once it has been met
    off: list[Pair] = field(default_factory=list)
    release: list[Pair] = field(default_factory=list)  # on closing, after it was driven
    energise: Callable[[Any], None] = lambda driver: driver.output(True)
    end: bytes = b""  # what ends a reply, if anything does
    tries: int = 2  # how often an unanswered question is asked
    stands_for_family: bool = True  # the others differ in scales and ratings only

    @property
    def role(self) -> str:
        return DRIVERS[self.key].role

    @property
    def wake(self) -> list[Pair]:
        return [*self.meet, *self.setup]

    @property
    def reading(self) -> list[Pair]:
        return [*self.before, self.read, *self.after]

    def open(self, resource: str, *, timeout_s: float = 10.0) -> Any:
        channels = {"scanner": CHANNELS, "thermometer": PROBES}.get(self.role, ())
        return DRIVERS[self.key].open(resource, channels=channels, timeout_s=timeout_s)


def answer(request: bytes, *values: int) -> bytes:
    """The reply with `values` to a read request; frames themselves are tested in test_modbus."""
    body = request[:2] + bytes((2 * len(values),)) + b"".join(v.to_bytes(2, "big") for v in values)
    return body + modbus.crc16(body).to_bytes(2, "little")
