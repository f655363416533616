"""A DC resistance can be measured by a run; too high a one opens a nonconformance."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0016_care_of_packs"),
    ]

    operations = [
        migrations.AlterField(
            model_name="nonconformance",
            name="kind",
            field=models.CharField(
                choices=[
                    ("DISCONNECT_LOW", "low at the disconnect check"),
                    ("READING_ABOVE_WINDOW", "reads above the window again"),
                    ("TRIPPED", "a protective limit was crossed"),
                    ("REVERSED", "reversed polarity"),
                    ("RECHECK_LOW", "low at the re-check"),
                    ("RESISTANCE_HIGH", "DC resistance too high"),
                    ("OTHER", "other"),
                ],
                max_length=24,
            ),
        ),
        migrations.CreateModel(
            name="ResistanceTest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("r_mohm", models.FloatField()),
                ("u_mohm", models.FloatField()),
                ("after_s", models.FloatField()),
                ("early_mohm", models.FloatField(blank=True, null=True)),
                ("early_after_s", models.FloatField()),
                ("current_a", models.FloatField()),
                ("rested_v", models.FloatField()),
                ("low_mohm", models.FloatField()),
                ("warn_mohm", models.FloatField()),
                ("fail_mohm", models.FloatField()),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("PASS", "pass"),
                            ("MARGINAL", "marginal"),
                            ("FAIL", "fail"),
                            ("INVALID", "invalid"),
                        ],
                        max_length=8,
                    ),
                ),
                ("tested_at", models.DateTimeField()),
                ("meter_text", models.CharField(max_length=100)),
                ("load_text", models.CharField(max_length=100)),
                ("manifest_sha256", models.CharField(max_length=64)),
                ("simulated", models.BooleanField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "cell",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resistance_tests",
                        to="shop.cell",
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resistance_test",
                        to="shop.run",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("current_a__gt", 0.0), ("r_mohm__gt", 0.0)),
                        name="resistance_is_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("manifest_sha256__regex", "^[0-9a-f]{64}$")),
                        name="resistance_names_its_manifest",
                    ),
                ],
            },
        ),
        migrations.RunSQL("SELECT shop_protect('shop_resistancetest')", migrations.RunSQL.noop),
    ]
