"""A person may read a station's cells with a hand-held meter; the first one again at the end."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0018_thermometer_of_a_station"),
    ]

    operations = [
        migrations.AddField(
            model_name="voltagecheck",
            name="again_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="voltagecheck",
            name="again_position",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="voltagecheck",
            name="again_received_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="voltagecheck",
            name="again_v",
            field=models.FloatField(blank=True, null=True),
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
                    ("thermometer", "thermometer"),
                    ("relay", "relay"),
                    ("manual", "manual"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="voltagecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("again_at__isnull", True),
                        ("again_position__isnull", True),
                        ("again_received_at__isnull", True),
                        ("again_v__isnull", True),
                    ),
                    models.Q(
                        ("again_at__isnull", False),
                        ("again_position__isnull", False),
                        ("again_received_at__isnull", False),
                        ("again_v__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="voltage_check_again_is_whole",
            ),
        ),
    ]
