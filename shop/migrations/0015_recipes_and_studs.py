"""Recipes and policies say why and are retired; studs of cells; an output that a person saw off."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0014_runs_move_along"),
    ]

    operations = [
        migrations.CreateModel(
            name="RecipeRetirement",
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
        migrations.CreateModel(
            name="StudFitting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("thread_locker", models.CharField(max_length=100)),
                ("words", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["cell", "id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="stationlease",
            name="lease_output_state_known",
        ),
        migrations.AddField(
            model_name="policyversion",
            name="reason",
            field=models.CharField(blank=True, default="", max_length=500),
        ),
        migrations.AddField(
            model_name="recipeversion",
            name="reason",
            field=models.CharField(blank=True, default="", max_length=500),
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
                    ("CALIBRATED", "recorded a calibration"),
                    ("POLICY_STORED", "stored a policy"),
                    ("RECIPE_STORED", "stored a recipe"),
                    ("RECIPE_RETIRED", "retired a recipe"),
                    ("RUN_GIVEN_UP", "ended a run whose bench is lost"),
                    ("STUDS_FITTED", "recorded the studs of a cell"),
                    ("IMPORTED", "imported capacity tests"),
                    ("COMMISSIONED", "took a bench's commissioning in"),
                    ("SHARED", "made a link for a customer"),
                    ("UNSHARED", "revoked a customer's link"),
                    ("KEY_REPLACED", "replaced a signing key"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="stationlease",
            name="output_state",
            field=models.CharField(
                choices=[
                    ("OFF", "OFF"),
                    ("ON", "ON"),
                    ("UNKNOWN", "UNKNOWN"),
                    ("SEEN_OFF", "SEEN_OFF"),
                ],
                default="UNKNOWN",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="stationlease",
            constraint=models.CheckConstraint(
                condition=models.Q(("output_state__in", ["OFF", "ON", "UNKNOWN", "SEEN_OFF"])),
                name="lease_output_state_known",
            ),
        ),
        migrations.AddField(
            model_name="reciperetirement",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reciperetirement",
            name="version",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="retirement",
                to="shop.recipeversion",
            ),
        ),
        migrations.AddField(
            model_name="studfitting",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="studfitting",
            name="cell",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="stud_fittings",
                to="shop.cell",
            ),
        ),
        *(
            migrations.RunSQL(f"SELECT shop_protect('shop_{table}')", migrations.RunSQL.noop)
            for table in ("reciperetirement", "studfitting")
        ),
    ]
