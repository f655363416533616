"""A relay board can be an instrument of a station."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0008_supersede")]

    operations = [
        migrations.AlterField(
            model_name="instrument",
            name="role",
            field=models.CharField(
                choices=[
                    ("supply", "supply"),
                    ("meter", "meter"),
                    ("scanner", "scanner"),
                    ("relay", "relay"),
                ],
                max_length=16,
            ),
        ),
    ]
