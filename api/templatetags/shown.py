"""Template filters and tags over `api.words`: markup, no decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api import words
from api.idempotency import FIELD
from api.reads.hookup import hookup as drawn_for
from api.reads.program import Ask
from shop import clock
from shop.evidence.rules.balance import WORDS
from shop.jobs.models import JobEvent
from stations.planner import seeds

register = template.Library()

register.filter("volts", words.volts)
register.filter("millivolts", words.millivolts)
register.filter("amps", words.amps)
register.filter("amp_hours", words.amp_hours)
register.filter("duration", words.duration)
register.filter("hours", words.hours)
register.filter("countdown", words.countdown)
register.filter("cause", words.cause)


@register.filter
def plain(value: float) -> str:
    """A coordinate, with a point in every language."""
    return f"{value:g}"


@register.inclusion_tag("components/hookup.html")
def hookup(ask: Ask) -> dict[str, object]:
    """The picture that goes with what a person is asked for, of as many cells as there are."""
    return {"drawn": drawn_for(ask.drawing, ask.cells, ask.cell), "crowded": ask.cells > 8}


@register.filter
def number(value: float | None, digits: int) -> str:
    return words.number(value, digits)


@register.filter
def capfirst_word(state: str) -> str:
    """A state in capitals as a word: USE_AS_IS -> "Use as is"."""
    return str(state).replace("_", " ").capitalize()


@register.filter
def procedure(kind: str) -> str:
    """What a job does, as a noun: "balance", "re-check"."""
    return words.PROCEDURES.get(str(kind), str(kind).replace("_", " "))


@register.filter
def role(of: str) -> str:
    """What an instrument is called at a bench: "Bank meter"."""
    return words.capitalised(words.ROLES.get(str(of), str(of)))


@register.filter
def look(of: str) -> str:
    """What a run's readings were looked at for: "Contacts", "Leads"."""
    return words.LOOKS.get(str(of), str(of).capitalize())


@register.filter
def method(code: str) -> str:
    """How a balance was done: "top balance", "step-and-pause top balance"."""
    return WORDS.get(str(code), str(code).replace("_", " ").lower())


@register.filter
def when(at: datetime | None) -> str | SafeString:
    """A time with its age; the browser rewrites it into the reader's own zone."""
    if at is None:
        return words.NOTHING
    at = at.astimezone(UTC)
    shown = words.moment(at, clock.now())
    return format_html(
        '<time datetime="{}" data-when>{}</time>', at.isoformat(), shown.replace(" ", " UTC ", 1)
    )


@register.filter
def told(event: JobEvent) -> str:
    """What happened, in words."""
    return words.event(event.kind, event.data)


@register.filter
def age(at: datetime | None) -> str:
    """How long ago, as a length of time."""
    return words.NOTHING if at is None else words.duration(max(clock.now() - at, timedelta(0)))


@register.filter
def serial(text: object) -> SafeString:
    groups = format_html_join("", "<span>{}</span>", ((part,) for part in words.grouped(str(text))))
    return format_html('<span class="serial">{}</span>', groups)


@register.simple_tag
def once() -> SafeString:
    """The key of one form on one page: a double tap is one act."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, uuid4())


@register.simple_tag
def said_at(place: str) -> tuple[str, ...]:
    """Where a source and physics disagree, at that place: a sentence each."""
    return seeds.said_at(place)


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("pages/icons.svg"),
        words.ICONS.get(name, name),
    )


def _badge(kind: str, text: str, size: str) -> SafeString:
    return format_html('<span class="status {} {}">{} {}</span>', kind, size, icon(kind), text)


@register.simple_tag
def run_status(state: str, size: str = "") -> SafeString:
    return _badge(*words.tone(words.RUN_STATUS, state), size)


@register.simple_tag
def job_status(state: str, size: str = "") -> SafeString:
    return _badge(*words.tone(words.JOB_STATUS, state), size)


@register.simple_tag
def verdict(word: str, size: str = "") -> SafeString:
    return _badge(*words.tone(words.VERDICTS, word.lower()), size)


@register.simple_tag
def badge(kind: str, text: str, size: str = "") -> SafeString:
    return _badge(kind, text, size)
