"""A cell type may say at what rate it may be discharged; those that are there do not say."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0029_instruments_move"),
    ]

    operations = [
        migrations.AddField(
            model_name="celltype",
            name="discharge_c_max",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="celltype",
            constraint=models.CheckConstraint(
                condition=models.Q(discharge_c_max__isnull=True)
                | models.Q(discharge_c_max__range=(0.01, 10.0)),
                name="cell_type_discharge",
            ),
        ),
    ]
