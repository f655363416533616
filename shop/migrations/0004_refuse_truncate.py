"""Evidence refuses TRUNCATE too, for everyone and always.

`shop_protect(table)` makes a table append-only in full; migrations that add one call it.
"""

from django.db import migrations

PROTECT = """
CREATE FUNCTION shop_protect(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND tgname = 'append_only') THEN
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s
                        FOR EACH ROW EXECUTE FUNCTION shop_refuse_change()', target);
    END IF;
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION shop_refuse_change()', target);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only,
                    ENABLE ALWAYS TRIGGER append_only_truncate', target);
END $$
"""

EVERY = """
DO $$
DECLARE target regclass;
BEGIN
    FOR target IN SELECT tgrelid FROM pg_trigger WHERE tgname = 'append_only' LOOP
        {statement}
    END LOOP;
END $$
"""
ADD = EVERY.format(statement="PERFORM shop_protect(target);")
DROP = EVERY.format(statement="EXECUTE format('DROP TRIGGER append_only_truncate ON %s', target);")


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_signing_keys")]

    operations = [
        migrations.RunSQL(PROTECT, "DROP FUNCTION shop_protect(regclass)"),
        migrations.RunSQL(ADD, DROP),
    ]
