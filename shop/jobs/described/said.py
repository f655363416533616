"""One description, and whose numbers they are where no document says them."""

from __future__ import annotations

from dataclasses import dataclass

PHYSICS = "physics of the cell"
MAKERS = "cell makers' habit"
METERS = "what good meters and leads show"
OURS = "our choice"


@dataclass(frozen=True, slots=True)
class Said:
    """`unit` is "" for a word, a yes or no; `choices` are the words that a text may be."""

    unit: str
    does: str
    source: str
    choices: tuple[str, ...] = ()
