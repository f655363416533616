"""What drivers do alike: know their instrument again, refuse what it cannot bear, leave it off.

A driver says in its own file how to ask who is there, how to read and how to set; this file says
when.  So a new model is a file of commands and ratings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from stations.drivers.protocols import InstrumentError, OutOfRange, SupplyState, WrongInstrument
from stations.drivers.transport import always, twice
from stations.values import Identity, Protection, Setpoint, SupplyRatings

T = TypeVar("T")


class Link(Protocol):
    session: int

    def reopen(self) -> None: ...

    def close(self) -> None: ...


L = TypeVar("L", bound=Link)


class KnownInstrument(ABC, Generic[L]):
    """Expected to be one `model`, and met anew on every connection: cables may be changed."""

    def __init__(self, link: L, model: str) -> None:
        self.may_repeat: Callable[[], bool] = always
        self._link = link
        self._model_name = model
        self._known: Identity | None = None
        self._session = 0  # the link's session in which the identity was seen

    @abstractmethod
    def _ask_identity(self) -> Identity:
        """Ask who is there; on a serial line also pass over every late answer before it."""

    def identify(self) -> Identity:
        return twice(self._meet, self.may_repeat)

    def reopen(self) -> None:
        self._link.reopen()

    def close(self) -> None:
        self._link.close()

    def _meet(self) -> Identity:
        seen = self._ask_identity()
        if seen.model != self._model_name or self._known not in (None, seen):
            expected = self._known or self._model_name
            raise WrongInstrument(f"expected {expected}, found {seen}; check which cable is where")
        self._known, self._session = seen, self._link.session
        return seen

    def _synchronise(self) -> None:
        """On a new connection see the identity first: it also outlives every late answer."""
        if not self._link.session or self._session != self._link.session:
            self._meet()

    def _reading(self, read: Callable[[], T]) -> T:
        """What `read` makes of the instrument that we know; tried once more if the wire failed."""

        def met() -> T:
            self._synchronise()
            return read()

        return twice(met, self.may_repeat)


class SwitchedInstrument(KnownInstrument[L]):
    """A supply or a load: left off when it is closed."""

    def __init__(self, link: L, model: str) -> None:
        super().__init__(link, model)
        self._energised = False  # we switched it on and have not seen it obey an off

    @abstractmethod
    def _switch(self, on: bool) -> None:
        """Switch, once, and see the command acknowledged."""

    def _release(self) -> None:
        """Give back what was taken for driving it: a panel that was locked."""

    def output(self, on: bool) -> None:
        """Switch and see the command acknowledged; `read` tells whether it was obeyed.

        Off goes out first thing even on a link just made, whoever is at its other end.
        """
        if on:
            self._synchronise()
            self._energised = True
        self._switch(on)
        self._energised = on

    def close(self) -> None:
        """Leave it off, as far as the link still allows, and let the port go."""
        if self._energised:
            with suppress(InstrumentError):
                self.output(False)
        self._release()
        super().close()


class Supply(SwitchedInstrument[L]):
    """Refuses a level beyond its rating before anything is sent."""

    def __init__(
        self, link: L, ratings: SupplyRatings, *, ovp_max_v: float, ocp_max_a: float
    ) -> None:
        super().__init__(link, ratings.model)
        self.ratings = ratings
        self._highest = Protection(ovp_max_v, ocp_max_a)

    @abstractmethod
    def _read(self) -> SupplyState: ...

    @abstractmethod
    def _apply(self, setpoint: Setpoint) -> None:
        """Set both levels and read them back; raises Refused where they were not kept."""

    @abstractmethod
    def _protect(self, protection: Protection) -> None:
        """Likewise for the thresholds."""

    @abstractmethod
    def _read_protection(self) -> Protection: ...

    def prepare(self) -> None:
        self.identify()

    def read(self) -> SupplyState:
        return self._reading(self._read)

    def read_protection(self) -> Protection:
        return self._reading(self._read_protection)

    def protect(self, protection: Protection) -> None:
        refuse_outside("OVP", protection.ovp_v, self._highest.ovp_v)
        refuse_outside("OCP", protection.ocp_a, self._highest.ocp_a)
        self._synchronise()
        self._protect(protection)

    def apply(self, setpoint: Setpoint) -> None:
        refuse_outside("voltage", setpoint.voltage_v, self.ratings.voltage_max_v)
        refuse_outside("current", setpoint.current_a, self.ratings.current_max_a)
        self._synchronise()
        self._apply(setpoint)


def refuse_outside(name: str, value: float, limit: float) -> None:
    """Raise OutOfRange for what is outside 0..`limit`, NaN included."""
    if not 0.0 <= value <= limit:
        raise OutOfRange(f"{name} {value} is outside 0..{limit:g}; ask for less")
