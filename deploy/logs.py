"""What a log may say, and how much of it."""

from __future__ import annotations

import logging
import re

SECRET = re.compile(r"(/t/|/trace/)[^/?\s]+")


class WithoutSecrets(logging.Filter):
    """Takes the secret out of every address that a record names: it is a customer's key."""

    def filter(self, record: logging.LogRecord) -> bool:
        shown = record.getMessage()
        hidden = SECRET.sub(r"\1…", shown)
        if hidden != shown:
            record.msg, record.args = hidden, None
        return True


class BeatInOneLine(logging.Filter):
    """Beat tells of every message that it cannot send with two stacks: 14 kB a second while the
    broker is away for a night.  Its first line says all.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "celery.beat":
            record.msg, record.args = record.getMessage().partition("\n")[0], None
            record.exc_info = record.exc_text = record.stack_info = None
        return True
