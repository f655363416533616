"""Cells that were emptied: their check, what it opens, and where each one rested."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0019_cells_read_by_hand"),
    ]

    operations = [
        migrations.AddField(
            model_name="cellbalance",
            name="rested_v",
            field=models.FloatField(blank=True, null=True),
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
                ],
                max_length=16,
            ),
        ),
    ]
