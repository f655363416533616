"""A capacity can be measured by a run, with a load that is an instrument of its station."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0011_balance_of_each_cell"),
    ]

    operations = [
        migrations.AddField(
            model_name="capacitytest",
            name="manifest_sha256",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="capacitytest",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="capacity_tests",
                to="shop.run",
            ),
        ),
        migrations.AddField(
            model_name="capacitytest",
            name="simulated",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="instrument",
            name="role",
            field=models.CharField(
                choices=[
                    ("supply", "supply"),
                    ("meter", "meter"),
                    ("scanner", "scanner"),
                    ("load", "load"),
                    ("relay", "relay"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="capacitytest",
            constraint=models.UniqueConstraint(
                fields=("run", "cell"), name="one_capacity_test_per_run_and_cell"
            ),
        ),
        migrations.AddConstraint(
            model_name="capacitytest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("run__isnull", True),
                    models.Q(("manifest_sha256__regex", "^[0-9a-f]{64}$"), ("source", "MEASURED")),
                    _connector="OR",
                ),
                name="capacity_of_a_run_names_its_manifest",
            ),
        ),
    ]
