"""Two hosts on one machine: network namespaces of the test's own, a cable between them.

Needs root and `ip`.  The addresses (TEST-NET-1) exist only inside the two; nothing of the
machine's own network is touched.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stations.sim.proxy import Proxy

SERVER_IP, BENCH_IP = "192.0.2.1", "192.0.2.2"
NOBODY = "02:00:00:00:00:99"  # a frame for an address that no card has: dropped without a word
_CLONE_NEWNET = 0x40000000
_RIGHTS = 1 << 12 | 1 << 21  # CAP_NET_ADMIN, CAP_SYS_ADMIN
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Host:
    """A namespace; `card` is its end of the cable."""

    name: str
    ip: str
    card: str = "cable"

    @property
    def path(self) -> Path:
        return Path("/run/netns", self.name)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and what it starts, is on that host until the block ends."""
        with Path("/proc/thread-self/ns/net").open() as before, self.path.open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def loses_what_it_sends_to(self, other: Host) -> None:
        _ip("-n", self.name, "neigh", "replace", other.ip, "lladdr", NOBODY, "dev", self.card)

    def reaches(self, other: Host, port: int) -> bool:
        """By TCP; False when there is no answer at all."""
        try:
            with self.inside():
                socket.create_connection((other.ip, port), timeout=1.0).close()
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True)
class TwoHosts:
    server: Host
    bench: Host

    def part(self, *losing: Host) -> None:
        """What these send is lost, until `heal`."""
        for host in losing:
            host.loses_what_it_sends_to(self.server if host is self.bench else self.bench)

    def heal(self) -> None:
        for host, other in ((self.server, self.bench), (self.bench, self.server)):
            _ip("-n", host.name, "neigh", "del", other.ip, "dev", host.card)


class Door(Proxy):
    """A server of `host` that listens on loopback only, for callers over the cable."""

    def __init__(self, host: Host, port: int) -> None:
        super().__init__(("127.0.0.1", port))
        self._listener.close()
        self._listener = socket.create_server((host.ip, 0))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]


def can_be_made() -> bool:
    """Whether we have the tool and the rights; a container's root often lacks them."""
    status = Path("/proc/self/status").read_text()
    held = int(next(line.split()[1] for line in status.splitlines() if "CapEff" in line), 16)
    return shutil.which("ip") is not None and held & _RIGHTS == _RIGHTS


@contextmanager
def two_hosts() -> Iterator[TwoHosts]:
    """Up and joined; whoever still runs in them is the caller's to end."""
    server = Host(f"cellshop-server-{os.getpid()}", SERVER_IP)
    bench = Host(f"cellshop-bench-{os.getpid()}", BENCH_IP)
    try:
        for host in (server, bench):
            _ip("netns", "add", host.name)
            _ip("-n", host.name, "link", "set", "lo", "up")
        peer = ("peer", "name", bench.card, "netns", bench.name)
        _ip("-n", server.name, "link", "add", server.card, "type", "veth", *peer)
        for host in (server, bench):
            _ip("-n", host.name, "address", "add", f"{host.ip}/30", "dev", host.card)
            _ip("-n", host.name, "link", "set", host.card, "up")
        yield TwoHosts(server, bench)
    finally:
        for host in (server, bench):
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", host.name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")
