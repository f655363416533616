"""Redis as Celery's broker, hardened: what is no message is dropped, not a reason to die.

Celery's own ends the worker at a queue's entry that is no JSON or lacks a field, and with the
worker the run that it is driving.  Whatever was lost so is sent again from the database.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

log = logging.getLogger(__name__)

NEEDED = {"exchange", "routing_key"}  # of a message's delivery info, when it is acknowledged


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # not in the stubs
        except json.JSONDecodeError as error:
            log.warning("dropped what is no message: %s", error)
            return None


class Transport(redis.Transport):
    Channel = Channel

    def _deliver(self, message: Any, queue: str | None) -> None:
        if self._is_whole(message):
            super()._deliver(message, queue)
        else:
            log.warning("dropped what is no message from %s: %.200r", queue, message)

    def _is_whole(self, message: Any) -> bool:
        try:
            channel = (self.channels or [])[0]
            read = channel.Message(message, channel=channel)
            return read.delivery_info.keys() >= NEEDED and isinstance(read.headers, dict | None)
        except (LookupError, TypeError, ValueError, AttributeError):
            return False


def use() -> None:
    """From now on every URL of Redis means this transport, in this process."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = "deploy.broker:Transport"
