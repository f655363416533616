"""Races on real connections: every contender has a thread, all start each round together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def race(contenders: Sequence[Callable[[int], T]], *, rounds: int = 1) -> list[tuple[T, ...]]:
    """What each contender returned, round by round; a contender is given the round's number.

    An exception in a contender is raised here.  Needs `django_db(transaction=True)`.
    """
    from django.db import connections

    start = Barrier(len(contenders), timeout=60)

    def run(contender: Callable[[int], T]) -> list[T]:
        results = []
        try:
            for number in range(rounds):
                start.wait()
                results.append(contender(number))
        except BaseException:
            start.abort()
            raise
        finally:
            connections.close_all()
        return results

    with ThreadPoolExecutor(len(contenders)) as threads:
        return list(zip(*threads.map(run, contenders), strict=True))
