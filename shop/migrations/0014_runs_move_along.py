"""The database knows how a run may move, and that a lease's token only grows.

Whoever writes SQL with the login of the app or of a bench cannot take a run that is over up again,
nor give an old holder of a lease its right back.  The moves are those of `shop.jobs.states`;
another table needs another migration (`shop_run_moves` replaced), and a test says so.
"""

from django.db import migrations

MOVES = """
CREATE FUNCTION shop_run_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moves jsonb := '{
    "QUEUED": ["LEASED", "STOPPED", "REFUSED"],
    "LEASED": ["PREFLIGHT", "STOPPING", "INTERRUPTED"],
    "PREFLIGHT": ["RUNNING", "STOPPING", "INTERRUPTED"],
    "RUNNING": ["SAFE_HOLD", "STOPPING", "INTERRUPTED"],
    "SAFE_HOLD": ["RUNNING", "STOPPING", "INTERRUPTED"],
    "STOPPING": ["FINISHED", "REFUSED", "TRIPPED", "ERROR", "STOPPED", "INTERRUPTED"],
    "INTERRUPTED": ["LEASED", "RUNNING", "TRIPPED", "ERROR", "STOPPED"]
}';
BEGIN
    IF NOT coalesce(moves -> OLD.state ? NEW.state, false) THEN
        RAISE EXCEPTION 'run % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER moves_along BEFORE UPDATE OF state ON shop_run
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION shop_run_moves()
"""
ANY_MOVE = "DROP TRIGGER moves_along ON shop_run; DROP FUNCTION shop_run_moves()"

GROWS = """
CREATE FUNCTION shop_token_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the token of station % cannot fall from % to %',
        OLD.station_id, OLD.token, NEW.token USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER token_grows BEFORE UPDATE OF token ON shop_stationlease
    FOR EACH ROW WHEN (NEW.token < OLD.token) EXECUTE FUNCTION shop_token_grows()
"""
MAY_FALL = "DROP TRIGGER token_grows ON shop_stationlease; DROP FUNCTION shop_token_grows()"


class Migration(migrations.Migration):
    dependencies = [("shop", "0013_audit_repeats_more")]

    operations = [
        migrations.RunSQL(MOVES, ANY_MOVE),
        migrations.RunSQL(GROWS, MAY_FALL),
    ]
