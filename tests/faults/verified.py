"""A run with approved cells, and what `manage.py verify` says of all evidence."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from shop.jobs.models import Run
from tests import factories
from tests.cast import Cast
from tests.played import play_run
from tests.shop.packs.factories import approve, make_capacity

ENDED = factories.NOON
APPROVED = ENDED + timedelta(minutes=20)


def approved_run(cast: Cast) -> Run:
    station = factories.make_station(now=ENDED - timedelta(hours=6))
    cells = factories.make_cells(4)
    run = play_run(by=cast.tola, cells=cells, station=station, ended_at=ENDED)
    for cell in cells:
        make_capacity(cell)
    approve(cells, by=cast.sade, now=APPROVED)
    return run


def verify() -> str:
    """What the command says when all is well."""
    said = StringIO()
    call_command("verify", stdout=said)
    return said.getvalue()


def first_fault() -> str:
    """The first bad record that the command names, failing."""
    said = StringIO()
    with pytest.raises(CommandError, match=r"\d+ faults? found") as caught:
        call_command("verify", stdout=said)
    assert caught.value.returncode == 1
    line = said.getvalue().splitlines()[0]
    assert line.startswith("first bad record: ")
    return line.removeprefix("first bad record: ")
