"""Reminders of banks that wait for a pack: raised once each, never changed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0005_done_requests")]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("STOPPED", "STOPPED"),
                            ("WAITING", "WAITING"),
                            ("RECHECK_DUE", "RECHECK_DUE"),
                        ],
                        max_length=16,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("raised_at", models.DateTimeField()),
                ("words", models.CharField(max_length=300)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="shop.run",
                    ),
                ),
            ],
            options={
                "ordering": ("-due_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("run", "kind"), name="one_alert_of_a_kind_per_run"
                    )
                ],
            },
        ),
        migrations.RunSQL("SELECT shop_protect('shop_alert')", migrations.RunSQL.noop),
    ]
