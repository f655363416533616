"""An instrument may lie at no station any more; registering and moving are in the audit."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0028_router_of_a_station"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("LOGGED_IN", "logged in"),
                    ("LOG_IN_FAILED", "failed to log in"),
                    ("LOGGED_OUT", "logged out"),
                    ("CLAIM_TAKEN_BACK", "took back a colleague's claim"),
                    ("DISPOSED", "decided on a nonconformance"),
                    ("SUPERSEDED", "superseded evidence"),
                    ("WITHDRAWN", "withdrew a calibration"),
                    ("STATION_REGISTERED", "registered a station"),
                    ("INSTRUMENT_REGISTERED", "registered an instrument"),
                    ("INSTRUMENT_FITTED", "put an instrument on a station again"),
                    ("INSTRUMENT_TAKEN_OFF", "took an instrument off a station"),
                    ("CALIBRATED", "recorded a calibration"),
                    ("POLICY_STORED", "stored a policy"),
                    ("RECIPE_STORED", "stored a recipe"),
                    ("RECIPE_RETIRED", "retired a recipe"),
                    ("RUN_GIVEN_UP", "ended a run whose bench is lost"),
                    ("STUDS_FITTED", "recorded the studs of a cell"),
                    ("LEADS_REGISTERED", "registered a lead set"),
                    ("LEADS_FITTED", "put leads on a station"),
                    ("IMPORTED", "imported capacity tests"),
                    ("COMMISSIONED", "took a bench's commissioning in"),
                    ("PACK_READ", "recorded a reading of a pack"),
                    ("COURSE_TAKEN", "took a course on a reading of a pack"),
                    ("TAKEN_APART", "took a pack apart"),
                    ("BALANCE_SKIPPED", "skipped a balance on evidence"),
                    ("SHARED", "made a link for a customer"),
                    ("UNSHARED", "revoked a customer's link"),
                    ("ALERT_CHECKED", "received a test alert"),
                    ("KEY_REPLACED", "replaced a signing key"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="instrument",
            name="station",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="instruments",
                to="shop.station",
            ),
        ),
    ]
