"""Serials out of one field, as a scanner and people fill it."""

from __future__ import annotations

import re

SEPARATORS = re.compile(r"[\s,;]+")


def serials_typed(text: str) -> list[str]:
    """A scanner ends each serial with a line, people type commas and spaces."""
    return [part for part in SEPARATORS.split(text) if part]
