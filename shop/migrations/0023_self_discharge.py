"""Self-discharge is watched by two checks of the same cells, the second one compared."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0022_lead_sets"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="voltagecheck",
            name="voltage_check_knows_when_current_stopped",
        ),
        migrations.AddField(
            model_name="voltagecheck",
            name="compared_with",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="compared_by",
                to="shop.voltagecheck",
            ),
        ),
        migrations.AddField(
            model_name="voltagecheck",
            name="temperature_c",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("STOPPED", "STOPPED"),
                    ("WAITING", "WAITING"),
                    ("RECHECK_DUE", "RECHECK_DUE"),
                    ("WATCH_DUE", "WATCH_DUE"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="cellvoltage",
            name="verdict",
            field=models.CharField(
                choices=[
                    ("PASS", "pass"),
                    ("MARGINAL", "marginal"),
                    ("FAIL", "fail"),
                    ("INVALID", "invalid"),
                    ("MISSING", "missing"),
                    ("UNSEEN", "not observable"),
                ],
                max_length=8,
            ),
        ),
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
                    ("BOTTOM_APART", "apart from its neighbours at the bottom"),
                    ("SELF_DISCHARGE", "loses charge at rest"),
                    ("RESISTANCE_HIGH", "DC resistance too high"),
                    ("OTHER", "other"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="voltagecheck",
            name="kind",
            field=models.CharField(
                choices=[
                    ("PRE_PARALLEL", "pre-parallel check"),
                    ("DISCONNECT", "disconnect check"),
                    ("RECHECK", "re-check"),
                    ("BOTTOM", "bottom check"),
                    ("WATCH", "self-discharge check"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="voltagecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ("PRE_PARALLEL", "WATCH")),
                    models.Q(
                        ("current_stopped_at__isnull", False),
                        ("current_stopped_received_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="voltage_check_knows_when_current_stopped",
            ),
        ),
        migrations.AddConstraint(
            model_name="voltagecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("compared_with__isnull", True), ("kind", "WATCH"), _connector="OR"
                ),
                name="only_a_self_discharge_check_is_compared",
            ),
        ),
    ]
