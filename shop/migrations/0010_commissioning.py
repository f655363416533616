"""A station is commissioned: the bench's report, append-only, in the audit too."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0009_relay_role"),
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
                    ("COMMISSIONED", "took a bench's commissioning in"),
                    ("SHARED", "made a link for a customer"),
                    ("UNSHARED", "revoked a customer's link"),
                    ("KEY_REPLACED", "replaced a signing key"),
                ],
                max_length=24,
            ),
        ),
        migrations.CreateModel(
            name="Commissioning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("document", models.TextField()),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("measured_at", models.DateTimeField()),
                ("passed", models.BooleanField()),
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
                        related_name="commissionings",
                        to="shop.station",
                    ),
                ),
            ],
            options={
                "ordering": ["station", "-measured_at", "-id"],
            },
        ),
        migrations.RunSQL("SELECT shop_protect('shop_commissioning')", migrations.RunSQL.noop),
    ]
