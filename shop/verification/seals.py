"""Whether a signature holds, and whether a manifest fits the chain that it sealed.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shop.evidence.canonical import sha256_of
from shop.signing.signatures import is_signed, named
from shop.verification.chains import Chain
from shop.verification.faults import Fault

Keys = Mapping[str, Ed25519PublicKey]

# An attempt that ended in error may be sealed before its last readings came from the bench.
LATE_READINGS = frozenset({"ERROR"})


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as its row tells of it; `key` is the key's id, "" for none."""

    key: str
    hex: str
    at: datetime
    retired_at: datetime | None

    def problem(self, body: Mapping[str, Any], trusted: Keys) -> str:
        """What is wrong with it over `body`, in words; "" for nothing."""
        if not self.key:
            return "is not signed"
        public = trusted.get(self.key)
        if public is None:
            return f"is signed with key {self.key}, which this host does not know"
        if self.retired_at is not None and self.at >= self.retired_at:
            return f"is signed with key {self.key} after that was retired"
        if body.get("signature") != named(public) or not is_signed(public, body, self.hex):
            return f"its signature by key {self.key} does not hold: it was changed, or made anew"
        return ""


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A row of Manifest."""

    id: int
    run: int
    attempt: int
    body: Mapping[str, Any]
    sha256: str
    signature: Signature

    @property
    def count(self) -> int:
        return int(self._readings.get("count") or 0)

    @property
    def earlier(self) -> Mapping[int, str]:
        """The attempts before it that it names, with their manifests' hashes."""
        named = self.body.get("earlier_attempts") or []
        return {int(row["attempt"]): str(row["sha256"]) for row in named}

    @property
    def _readings(self) -> Mapping[str, Any]:
        readings = self.body.get("readings")
        return readings if isinstance(readings, Mapping) else {}

    def faults(self, chain: Chain, trusted: Keys) -> Iterator[Fault]:
        """The first thing that is wrong with the manifest, and with what it sealed."""
        problem = self.problem(trusted)
        if problem:
            yield Fault("Manifest", self.id, problem, self.run, self.attempt)
        missing = self._missing(chain)
        if missing is not None:
            seq, words = missing
            yield Fault("Manifest", self.id, words, self.run, self.attempt, seq)

    def problem(self, trusted: Keys) -> str:
        """What is wrong with its body, hash or signature, in words; "" for nothing."""
        if (self.body.get("run"), self.body.get("attempt")) != (self.run, self.attempt):
            return "is about another run or attempt than its row says"
        if sha256_of(self.body) != self.sha256:
            return "is not what its hash says: it was changed"
        return self.signature.problem(self.body, trusted)

    def _missing(self, chain: Chain) -> tuple[int, str] | None:
        if chain.last_seq < self.count:
            seq = chain.last_seq + 1
            return seq, f"sealed {self.count} readings; {seq} to {self.count} are missing"
        sealed = (self._readings.get("head"), self._readings.get("chunks"))
        if (chain.head_at, chain.chunks_at) != sealed:
            return self.count, "sealed another chain of readings than is stored"
        state = (self.body.get("outcome") or {}).get("state")
        if chain.last_seq > self.count and state not in LATE_READINGS:
            return self.count + 1, f"sealed {self.count} readings; more were added"
        return None
