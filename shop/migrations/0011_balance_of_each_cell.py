"""Cells that were charged one by one have figures of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0010_balance_methods"),
    ]

    operations = [
        migrations.AddField(
            model_name="cellbalance",
            name="charge_ah",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="cellbalance",
            name="completeness",
            field=models.CharField(
                blank=True,
                choices=[("COMPLETE", "complete"), ("PARTIAL", "partial")],
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="cellbalance",
            name="current_stopped_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="cellbalance",
            name="current_stopped_received_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="cellbalance",
            name="cv_s",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="cellbalance",
            name="remark",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="cellbalance",
            name="tail_a",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="balance",
            name="method",
            field=models.CharField(
                choices=[
                    ("TOP", "top balance"),
                    ("TOP_STEP", "step-and-pause top balance"),
                    ("TOP_CELL", "individual top balance"),
                    ("BOTTOM", "bottom balance"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="cellbalance",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("charge_ah__isnull", True),
                        ("completeness", ""),
                        ("current_stopped_received_at__isnull", True),
                        ("cv_s__isnull", True),
                        ("tail_a__isnull", True),
                    ),
                    models.Q(
                        models.Q(("completeness", ""), _negated=True),
                        ("charge_ah__isnull", False),
                        ("cv_s__isnull", False),
                        ("tail_a__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="cell_balance_has_all_its_figures_or_none",
            ),
        ),
    ]
