"""Evidence is append-only in the database itself, and each chunk follows a stored one.

Triggers refuse UPDATE and DELETE for everyone, superuser included, also under
session_replication_role = replica (ENABLE ALWAYS).  PostgreSQL 15 or later.
"""

from django.db import migrations

APPEND_ONLY = [
    "approval",
    "balance",
    "calibration",
    "capacitytest",
    "cellbalance",
    "cellvoltage",
    "disposition",
    "gatedecision",
    "jobevent",
    "manifest",
    "nonconformance",
    "personact",
    "policyversion",
    "readingchunk",
    "recipeversion",
    "voltagecheck",
]

FUNCTION = """
CREATE FUNCTION shop_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Record a new fact instead of changing an old one.';
END $$
"""

PROTECT = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON shop_{table}
    FOR EACH ROW EXECUTE FUNCTION shop_refuse_change();
ALTER TABLE shop_{table} ENABLE ALWAYS TRIGGER append_only
"""

CHUNK_FOLLOWS = """
ALTER TABLE shop_readingchunk ADD CONSTRAINT chunk_follows_stored
    FOREIGN KEY (run_id, attempt, prev_last_seq)
    REFERENCES shop_readingchunk (run_id, attempt, last_seq)
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION shop_refuse_change()"),
        *(
            migrations.RunSQL(
                PROTECT.format(table=table), f"DROP TRIGGER append_only ON shop_{table}"
            )
            for table in APPEND_ONLY
        ),
        migrations.RunSQL(
            CHUNK_FOLLOWS,
            "ALTER TABLE shop_readingchunk DROP CONSTRAINT chunk_follows_stored",
        ),
    ]
