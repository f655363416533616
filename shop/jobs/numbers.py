"""Numbers of runs that were given once and are not given again."""

from __future__ import annotations

from django.db import connection

NEXT = "SELECT nextval(pg_get_serial_sequence('shop_run', 'id'))"
SPENT_MAX = 10_000  # at once; a journal with a number far beyond is not one of ours


def spend_run_numbers(last: int) -> bool:
    """Let the next run have a higher number than `last`; False where that is too far away.

    One after the other, for a bench may take numbers and not set them.
    """
    with connection.cursor() as cursor:
        for _ in range(SPENT_MAX):
            cursor.execute(NEXT)
            if int(cursor.fetchone()[0]) >= last:
                return True
    return False
