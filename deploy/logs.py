"""What a log may say: the address of a customer's page is its key, so it is no part of a line."""

from __future__ import annotations

import logging
import re

SECRET = re.compile(r"(/t/|/trace/)[^/?\s]+")


class WithoutSecrets(logging.Filter):
    """Takes the secret out of every address that a record names."""

    def filter(self, record: logging.LogRecord) -> bool:
        shown = record.getMessage()
        hidden = SECRET.sub(r"\1…", shown)
        if hidden != shown:
            record.msg, record.args = hidden, None
        return True
