"""Emptying the tests' own database after a test that committed.

Django does that by TRUNCATE, which evidence refuses.  So the owner of the tests' database takes
the triggers off for that one transaction and puts them back.  The product has no such door: its
roles own no table, and neither this module nor another way around is in its packages.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.backends.base.operations import BaseDatabaseOperations

TRIGGER = "append_only_truncate"


def let_flush_empty_evidence() -> None:
    """From now on, in this process, flushing the tests' database empties evidence too."""
    # For every connection: beside a running loop, a browser's, Django opens another one.
    setattr(type(connection.ops), "execute_sql_flush", _flush)  # noqa: B010


def _flush(operations: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
    with transaction.atomic(), operations.connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [TRIGGER]
        )
        tables = [name for (name,) in cursor.fetchall()]
        cursor.execute("; ".join(f"ALTER TABLE {t} DISABLE TRIGGER {TRIGGER}" for t in tables))
        for statement in sql_list:
            cursor.execute(statement)
        cursor.execute(
            "; ".join(f"ALTER TABLE {t} ENABLE ALWAYS TRIGGER {TRIGGER}" for t in tables)
        )
