"""A simulated bench inside the test's own process, and bare clients for its wires."""

from __future__ import annotations

import json
import os
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stations.config import load
from stations.sim.bench import Simulation
from stations.sim.folder import Folder, Ports, free_ports, write_folder
from stations.sim.rtu import sealed
from stations.sim.worldfile import load_world
from tests.stations.sim.harness import Hands, cell

SILENCE_S = 0.12  # wall: longer than any answer under test takes, and than a frame's pause


class Scpi:
    """A raw socket that ends its messages with LF."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._file = self._socket.makefile("r", newline="\n")

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode("ascii"))

    def tell(self, message: str) -> None:
        self.send(message + "\n")

    def ask(self, message: str) -> str:
        self.tell(message)
        return self.hear()

    def heard_bytes(self, within_s: float = SILENCE_S) -> bytes:
        """All that comes until the line has been silent so long; it may be no text at all."""
        heard = b""
        while select.select([self._socket], [], [], within_s)[0]:
            heard += self._socket.recv(4096)
        return heard

    def hear(self) -> str:
        return self._file.readline().removesuffix("\n")

    def is_silent(self) -> bool:
        return not select.select([self._socket], [], [], SILENCE_S)[0]

    def hang_up_sending(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Rtu:
    """A raw serial line; frames are hex text, without their check sum where `ask` adds it."""

    def __init__(self, path: Path) -> None:
        self._line = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def send(self, frame: bytes) -> None:
        os.write(self._line, frame)

    def hear(self, length: int, within_s: float = 5.0) -> bytes:
        """Up to `length` bytes; fewer when the line falls silent."""
        heard = b""
        while len(heard) < length and select.select([self._line], [], [], within_s)[0]:
            heard += os.read(self._line, length - len(heard))
        return heard

    def is_silent_to(self, body: str) -> bool:
        self.send(sealed(bytes.fromhex(body)))
        return self.hear(1, SILENCE_S) == b""

    def ask(self, body: str) -> str:
        """The answer's hex text without its check sum."""
        self.send(sealed(bytes.fromhex(body)))
        head = self.hear(3)
        assert len(head) == 3, f"no answer to {body}"
        many = {1: head[2], 3: head[2], 5: 3, 6: 3, 15: 3, 16: 3}.get(head[1], 0)
        frame = head + self.hear(many + 2)
        assert sealed(frame[:-2]) == frame
        return frame[:-2].hex(" ")

    def read(self, register: int, count: int = 1) -> tuple[int, ...]:
        data = bytes.fromhex(self.ask(f"01 03 {register:04x} {count:04x}"))[3:]
        return tuple(int.from_bytes(data[i : i + 2]) for i in range(0, len(data), 2))

    def write(self, register: int, value: int) -> None:
        body = f"01 06 {register:04x} {value:04x}"
        assert bytes.fromhex(self.ask(body)) == bytes.fromhex(body)

    def close(self) -> None:
        os.close(self._line)


@dataclass(frozen=True)
class Inside:
    """The running simulation with a client on every wire."""

    path: Path
    ports: Ports
    meter: Scpi
    scanner: Scpi
    supply: Rtu
    hands: Hands

    def truth(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.path / "truth.jsonl").read_text().splitlines()
        return [record for record in map(json.loads, lines) if record["kind"] == kind]


@contextmanager
def inside(path: Path, folder: Folder | None = None) -> Iterator[Inside]:
    """Four cells at 95 % and 240 × unless `folder` says otherwise; links and leads off."""
    ports = free_ports()
    bench_toml = write_folder(path, folder or Folder(cells=[cell()] * 4), ports)
    simulation = Simulation(load(bench_toml), load_world(path / "world.toml"))
    simulation.start()
    clients: Sequence[Scpi | Rtu | Hands] = ()
    try:
        meter, scanner = Scpi(ports.meter), Scpi(ports.scanner)
        tty = path / "supply.tty"
        supply = Rtu(tty if tty.exists() else Path(os.devnull))  # some supplies are on LAN
        hands = Hands(f"http://127.0.0.1:{ports.hands}/")
        clients = (meter, scanner, supply, hands)
        yield Inside(path, ports, meter, scanner, supply, hands)
    finally:
        for client in clients:
            client.close()
        simulation.close()
