"""T2: the secret of a trace link is in no line of a log; and a night without Redis fits in it."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from django.conf import settings

from deploy.logs import BeatInOneLine, WithoutSecrets

SECRET = "kQ3-x_9aBcDeFgHiJkLmNoPqRsTuVwXy"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/t/{SECRET}", "Not Found: /t/…"),
        (f"/api/v1/trace/{SECRET}/curve", "Not Found: /api/v1/trace/…/curve"),
        (f"/api/v1/trace/{SECRET}?run=1", "Not Found: /api/v1/trace/…?run=1"),
        ("/jobs/7", "Not Found: /jobs/7"),
    ],
)
def test_an_address_loses_its_secret(path: str, shown: str) -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 0, "%s: %s", ("Not Found", path), None
    )

    assert WithoutSecrets().filter(record)
    assert record.getMessage() == shown


def test_every_handler_leaves_secrets_out() -> None:
    logging_settings: dict[str, Any] = settings.LOGGING
    handlers = logging_settings["handlers"].values()

    assert all("without_secrets" in handler["filters"] for handler in handlers)


def test_beat_says_in_one_line_that_the_broker_is_away() -> None:
    try:
        raise ConnectionRefusedError("Connection refused")
    except ConnectionRefusedError:
        told = "Message Error: %s\n%s", ("Connection refused", ["stack"] * 30), sys.exc_info()
        record = logging.LogRecord("celery.beat", logging.ERROR, "", 0, *told)

    assert BeatInOneLine().filter(record)
    assert logging.Formatter().format(record) == "Message Error: Connection refused"
