"""What a verification finds: one record that is not what it was."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`model` and `id` name the record, None an absent one; the rest where it can be told."""

    model: str
    id: int | None
    words: str
    run: int | None = None
    attempt: int | None = None
    seq: int | None = None

    def __str__(self) -> str:
        places = (("run", self.run), ("attempt", self.attempt), ("seq", self.seq))
        where = ", ".join(f"{name} {value}" for name, value in places if value is not None)
        record = self.model if self.id is None else f"{self.model} {self.id}"
        return f"{record}{f' ({where})' if where else ''}: {self.words}"
