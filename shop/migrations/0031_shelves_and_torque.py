"""Where cells lie until assembly, the torque of a type's nuts, and stations that are retired."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0030_discharge_rates"),
    ]

    operations = [
        migrations.CreateModel(
            name="ShelfPlace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("shelf", models.CharField(max_length=40)),
                ("unlinked", models.BooleanField()),
                ("covered", models.BooleanField()),
                ("temperature_c", models.FloatField(blank=True, null=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="StationRetirement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("words", models.CharField(max_length=500)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="celltype",
            name="torque_nm",
            field=models.FloatField(blank=True, null=True),
        ),
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
                    ("STATION_RENAMED", "renamed a station"),
                    ("STATION_RETIRED", "retired a station"),
                    ("INSTRUMENT_REGISTERED", "registered an instrument"),
                    ("INSTRUMENT_FITTED", "put an instrument on a station again"),
                    ("INSTRUMENT_TAKEN_OFF", "took an instrument off a station"),
                    ("CALIBRATED", "recorded a calibration"),
                    ("POLICY_STORED", "stored a policy"),
                    ("RECIPE_STORED", "stored a recipe"),
                    ("RECIPE_RETIRED", "retired a recipe"),
                    ("RUN_GIVEN_UP", "ended a run whose bench is lost"),
                    ("CELL_TYPE_DEFINED", "named a cell type"),
                    ("CELL_TYPE_COMPLETED", "said more of a cell type"),
                    ("CELLS_SHELVED", "put cells on a shelf"),
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
        migrations.AddConstraint(
            model_name="celltype",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("torque_nm__isnull", True), ("torque_nm__range", (0.5, 30.0)), _connector="OR"
                ),
                name="cell_type_torque",
            ),
        ),
        migrations.AddField(
            model_name="shelfplace",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="shelfplace",
            name="cell",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shelf_places",
                to="shop.cell",
            ),
        ),
        migrations.AddField(
            model_name="stationretirement",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="stationretirement",
            name="station",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="retirement",
                to="shop.station",
            ),
        ),
        migrations.AddConstraint(
            model_name="shelfplace",
            constraint=models.CheckConstraint(
                condition=models.Q(("covered", True), ("unlinked", True)),
                name="shelved_unlinked_and_covered",
            ),
        ),
        migrations.AddConstraint(
            model_name="shelfplace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("temperature_c__isnull", True),
                    ("temperature_c__range", (-20.0, 60.0)),
                    _connector="OR",
                ),
                name="shelf_temperature",
            ),
        ),
        *(
            migrations.RunSQL(f"SELECT shop_protect('shop_{table}')", migrations.RunSQL.noop)
            for table in ("shelfplace", "stationretirement")
        ),
    ]
