"""Numbers as people type them: comma or point, with a refusal that names what was typed."""

from __future__ import annotations

import math
import re
from datetime import datetime, time

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from api.refused import one_problem

SEPARATORS = re.compile(r"[\s;]+")


def number_typed(text: str) -> float | None:
    """With comma or point; None for what is no number."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def number_or_nan(text: str) -> float:
    """Likewise; NaN for what is no number, of which the rules say what should be typed."""
    value = number_typed(text)
    return math.nan if value is None else value


def decimal(text: str, what: str) -> float:
    """`text` as a number; raises Refusal naming `what` it should be."""
    value = number_typed(text)
    if value is None or not math.isfinite(value):
        raise one_problem("not_a_number", f"{text[:40]!r} is not {what}.", "Type a number.")
    return value


def moment(text: str) -> datetime:
    """A date and time of a form's field, in the shop's time zone; raises Refusal."""
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise one_problem(
            "not_a_time", f"{text[:40]!r} is not a date and time.", "Choose when it was measured."
        )
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def day(text: str) -> datetime:
    """The beginning of a day of a form's field, in the shop's time zone; raises Refusal."""
    try:
        found = parse_date(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise one_problem("not_a_day", f"{text[:40]!r} is not a day.", "Choose it, or type it.")
    return datetime.combine(found, time(), timezone.get_current_timezone())


def voltages(text: str) -> list[float]:
    """Several in one field, one a line or parted by spaces: a comma is a decimal sign here."""
    return [decimal(part, "a voltage") for part in SEPARATORS.split(text) if part]
