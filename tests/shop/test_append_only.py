"""T4: what is evidence is never changed or deleted, by anyone, in the database itself."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from shop.models import Calibration, JobEvent, PolicyVersion, RecipeVersion
from tests import factories
from tests.cast import Cast

# What may change: state that is people's or a process's, not evidence.
CHANGEABLE = {
    "alertcheck",  # tries, until somebody received it; the audit keeps who did
    "batch",
    "cell",
    "celltype",
    "customer",
    "donerequest",
    "instrument",
    "job",
    "jobcell",
    "pack",
    "packdesign",
    "placement",
    "recipe",
    "run",
    "runcell",
    "station",
    "stationlease",
    "tracelink",
    "user",
}


def test_every_model_but_the_changeable_is_protected_for_replication_too(db: None) -> None:
    models = {model._meta.model_name for model in apps.get_app_config("shop").get_models()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger"
            " WHERE tgname LIKE 'append_only%'"
        )
        found = {(table, trigger): enabled for table, trigger, enabled in cursor.fetchall()}

    assert found == {
        (f"shop_{name}", trigger): "A"
        for name in models - CHANGEABLE
        for trigger in ("append_only", "append_only_truncate")
    }


@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_update_delete_and_truncate_are_refused(cast: Cast, statement: str) -> None:
    station = factories.make_station()
    factories.make_policy(by=cast.sade)
    job = factories.make_job(by=cast.tola, claimed_at=station)
    JobEvent.objects.create(job=job, kind="note", at=factories.NOON)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for nothing

    for model in (Calibration, JobEvent, PolicyVersion, RecipeVersion):
        table = model._meta.db_table
        refused = pytest.raises(IntegrityError, match=f"{table} is append-only")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(table))


def test_evidence_is_not_emptied_by_way_of_the_runs_that_it_belongs_to(cast: Cast) -> None:
    factories.make_run(by=cast.tola)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        refused = pytest.raises(IntegrityError, match="is append-only: TRUNCATE refused")
        with refused, transaction.atomic():
            cursor.execute("TRUNCATE shop_run CASCADE")
