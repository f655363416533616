"""Lead sets are equipment: what they are, and at which station they lie; append-only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0021_nights_alone"),
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
        migrations.CreateModel(
            name="LeadSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=40, unique=True)),
                ("gauge_mm2", models.FloatField()),
                ("length_m", models.FloatField()),
                (
                    "end",
                    models.CharField(
                        choices=[
                            ("ring_6", "6 mm ring lugs"),
                            ("ring_8", "8 mm ring lugs"),
                            ("clip", "clips"),
                            ("banana", "banana plugs"),
                        ],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["label"],
            },
        ),
        migrations.CreateModel(
            name="LeadFitting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lead_fittings",
                        to="shop.station",
                    ),
                ),
                (
                    "lead_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fittings",
                        to="shop.leadset",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddConstraint(
            model_name="leadset",
            constraint=models.CheckConstraint(
                condition=models.Q(("gauge_mm2__gt", 0.0), ("length_m__gt", 0.0)),
                name="lead_set_is_a_cable",
            ),
        ),
        *(
            migrations.RunSQL(f"SELECT shop_protect('shop_{table}')", migrations.RunSQL.noop)
            for table in ("leadset", "leadfitting")
        ),
    ]
