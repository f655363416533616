"""The audit, append-only; decisions of the gate are signed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0006_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="gatedecision",
            name="key",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="shop.signingkey",
            ),
        ),
        migrations.AddField(
            model_name="gatedecision",
            name="signature",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AlterField(
            model_name="signingkey",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("manifests", "manifests of runs"),
                    ("approvals", "approvals of cells"),
                    ("decisions", "decisions of the gate"),
                    ("audit", "entries of the audit"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField(unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("LOGGED_IN", "logged in"),
                            ("LOG_IN_FAILED", "failed to log in"),
                            ("LOGGED_OUT", "logged out"),
                            ("CLAIM_TAKEN_BACK", "took back a colleague's claim"),
                            ("DISPOSED", "decided on a nonconformance"),
                            ("SUPERSEDED", "superseded evidence"),
                            ("WITHDRAWN", "withdrew a calibration"),
                            ("SHARED", "made a link for a customer"),
                            ("UNSHARED", "revoked a customer's link"),
                            ("KEY_REPLACED", "replaced a signing key"),
                        ],
                        max_length=24,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("address", models.CharField(blank=True, max_length=64)),
                ("data", models.JSONField(default=dict)),
                ("prev_sha256", models.CharField(max_length=64)),
                ("sha256", models.CharField(max_length=64)),
                ("signature", models.CharField(blank=True, max_length=128)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shop.signingkey",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="audit_counts_from_1"
                    )
                ],
            },
        ),
        migrations.RunSQL("SELECT shop_protect('shop_auditentry')", migrations.RunSQL.noop),
    ]
