"""Two acts at the same cells, met at the one moment that matters, every time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections, transaction

from tests.wait import wait_until

T = TypeVar("T")

WAITS_FOR_US = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
"""


def between(first: Callable[[], object], second: Callable[[], T]) -> T:
    """Do `first`, begin `second` while that is not committed, commit; what `second` returned.

    Raises AssertionError unless `second` waited.  Needs `django_db(transaction=True)`.
    """
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            first()
            answer = thread.submit(on_its_own_connection, second)
            wait_until(lambda: answer.done() or waited_for())
            assert not answer.done(), f"took no turn: {answer.result()!r}"
        return answer.result(timeout=60)


def on_its_own_connection(act: Callable[[], T]) -> T:
    try:
        return act()
    finally:
        connections.close_all()


def waited_for() -> bool:
    """Whether another connection waits for what this one holds."""
    with connection.cursor() as cursor:
        cursor.execute(WAITS_FOR_US)
        return bool(cursor.fetchone()[0])
