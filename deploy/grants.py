"""What the roles of the database may do: the app adds evidence and reads it, the bench less.

What is evidence the database knows by its triggers, so a table that a migration protects is
evidence here too.  Work tables the app adds to and changes; it deletes only what does not matter
once it is old.  The bench reads what a run needs, adds what a run
leaves behind, and moves its run, its job and its lease.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from deploy.roles import Login

ADD = ("SELECT", "INSERT")
WORK = (*ADD, "UPDATE")
# All that a service, or Django, ever deletes: log-ins that ended and answers for a retry.
DELETED_BY_APP = frozenset({"django_session", "shop_donerequest"})
# Which cells a run or a pack has stays; only whether it still holds them changes.
MOVED_BY_APP = {"shop_runcell": ("active",), "shop_placement": ("removed_at",)}
# Read by nobody on a bench: secrets, log-ins, and whose pack it will be.
HIDDEN_FROM_BENCH = frozenset(
    {"shop_auditentry", "shop_customer", "shop_donerequest", "shop_tracelink", "shop_user"}
)
PEOPLE_FOR_BENCH = ("id", "username", "first_name", "last_name", "role", "is_active")
ADDED_BY_BENCH = (
    "shop_balance",
    "shop_capacitytest",
    "shop_cellbalance",
    "shop_cellvoltage",
    "shop_jobevent",
    "shop_manifest",
    "shop_nonconformance",
    "shop_packreading",
    "shop_readingchunk",
    "shop_resistancetest",
    "shop_signingkey",
    "shop_voltagecheck",
)
# What worker and uplink move; never who asked for what, nor which station, policy and cells.
MOVED_BY_BENCH = {
    # New evidence locks and touches its cell, so that whoever judges that cell at the same moment
    # comes after it; PostgreSQL lets only those lock who may update some column.
    "shop_cell": ("maker_code",),
    "shop_job": ("state", "claimed_at"),
    "shop_run": (
        *("state", "attempt", "token", "program", "program_hash", "simulated", "step", "cause"),
        *("stored_seq", "journal_closed_at", "ended_at"),
    ),
    "shop_runcell": ("active",),
    "shop_stationlease": (
        *("owner", "boot_id", "run_id", "token", "expires_at"),
        *("output_state", "output_at", "heartbeat_at", "alarm"),
    ),
}


def grant(*, app: Login, bench: Login) -> None:
    """Make the two roles where they lack, and grant them exactly this; again changes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        tables, evidence = _tables(cursor), _evidence(cursor)
        for login in {app.user: app, bench.user: bench}.values():
            _ensure(cursor, login)
            _forget(cursor, login.user)
        _let_work(cursor, app.user, tables, evidence)
        if bench.user != app.user:
            _let_run(cursor, bench.user, tables)


def _let_work(cursor: CursorWrapper, app: str, tables: set[str], evidence: set[str]) -> None:
    migrations = {"django_migrations"} & tables
    _grant(cursor, ["SELECT"], migrations, app)
    added = evidence | MOVED_BY_APP.keys()
    _grant(cursor, ADD, added, app)
    _grant(cursor, WORK, tables - added - migrations, app)
    _grant(cursor, ["DELETE"], DELETED_BY_APP, app)
    _let_move(cursor, MOVED_BY_APP, app)


def _let_run(cursor: CursorWrapper, bench: str, tables: set[str]) -> None:
    shops = {table for table in tables if table.startswith("shop_")}
    _grant(cursor, ["SELECT"], shops - HIDDEN_FROM_BENCH, bench)
    _grant(cursor, ["INSERT"], ADDED_BY_BENCH, bench)
    _let_move(cursor, MOVED_BY_BENCH, bench)
    role = sql.Identifier(bench)
    columns = sql.SQL(", ").join(map(sql.Identifier, PEOPLE_FOR_BENCH))
    _execute(cursor, "GRANT SELECT ({}) ON shop_user TO {}", columns, role)


def _tables(cursor: CursorWrapper) -> set[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return {name for (name,) in cursor.fetchall()}


def _evidence(cursor: CursorWrapper) -> set[str]:
    cursor.execute(
        "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE tgname = 'append_only' AND relnamespace = current_schema()::regnamespace"
    )
    return {name for (name,) in cursor.fetchall()}


def _ensure(cursor: CursorWrapper, login: Login) -> None:
    """A role that may log in and is nothing else: no superuser, owner of nothing."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login.user])
    act = "ALTER" if cursor.fetchone() else "CREATE"
    _execute(
        cursor,
        f"{act} ROLE {{}} LOGIN PASSWORD {{}}",
        sql.Identifier(login.user),
        sql.Literal(login.password),
    )


def _forget(cursor: CursorWrapper, user: str) -> None:
    """Take back whatever an earlier version granted here, then let it in."""
    cursor.execute("SELECT current_database(), current_schema()")
    database, schema = map(sql.Identifier, cursor.fetchone())
    role = sql.Identifier(user)
    _execute(cursor, "REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}", schema, role)
    _execute(cursor, "GRANT CONNECT ON DATABASE {} TO {}", database, role)
    _execute(cursor, "GRANT USAGE ON SCHEMA {} TO {}", schema, role)
    _execute(cursor, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {} TO {}", schema, role)


def _grant(cursor: CursorWrapper, acts: Iterable[str], tables: Iterable[str], user: str) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, sorted(tables)))
    _execute(cursor, f"GRANT {', '.join(acts)} ON {{}} TO {{}}", names, sql.Identifier(user))


def _let_move(cursor: CursorWrapper, moved: Mapping[str, Iterable[str]], user: str) -> None:
    for table, names in moved.items():
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        where, role = sql.Identifier(table), sql.Identifier(user)
        _execute(cursor, "GRANT UPDATE ({}) ON {} TO {}", columns, where, role)


def _execute(cursor: CursorWrapper, statement: str, *parts: sql.Composable) -> None:
    cursor.execute(sql.SQL(statement).format(*parts).as_string(cursor.connection.connection))
