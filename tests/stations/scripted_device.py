"""What the scripted instruments of the guardian's pure tests have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stations.drivers.protocols import InstrumentSilent
from stations.drivers.transport import always


@dataclass(kw_only=True)
class ScriptedDevice:
    """It notes what it is sent; `silent` is how many exchanges go unanswered."""

    silent: int = 0
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.may_repeat: Callable[[], bool] = always

    def exchange(self, words: str) -> None:
        self.sent.append(words)
        if self.silent:
            self.silent -= 1
            raise InstrumentSilent(f"no answer to {words}")

    def prepare(self) -> None:
        self.exchange("prepare")

    def close(self) -> None:
        self.sent.append("close")

    def reopen(self) -> None:
        self.sent.append("reopen")
