"""Evidence may be superseded and a calibration withdrawn: facts of their own, append-only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0007_audit")]

    operations = [
        migrations.CreateModel(
            name="CalibrationWithdrawal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("words", models.CharField(max_length=500)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "calibration",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawal",
                        to="shop.calibration",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("words", ""), _negated=True), name="withdrawal_says_why"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Supersession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("words", models.CharField(max_length=500)),
                (
                    "balance",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="supersession",
                        to="shop.balance",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "capacity_test",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="supersession",
                        to="shop.capacitytest",
                    ),
                ),
                (
                    "voltage_check",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="supersession",
                        to="shop.voltagecheck",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("balance__isnull", False),
                                ("capacity_test__isnull", True),
                                ("voltage_check__isnull", True),
                            ),
                            models.Q(
                                ("balance__isnull", True),
                                ("capacity_test__isnull", True),
                                ("voltage_check__isnull", False),
                            ),
                            models.Q(
                                ("balance__isnull", True),
                                ("capacity_test__isnull", False),
                                ("voltage_check__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="supersession_of_one_record",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("words", ""), _negated=True),
                        name="supersession_says_why",
                    ),
                ],
            },
        ),
        *(
            migrations.RunSQL(f"SELECT shop_protect('shop_{table}')", migrations.RunSQL.noop)
            for table in ("calibrationwithdrawal", "supersession")
        ),
    ]
