"""How a balance was done is said by its method: step by step too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0010_commissioning"),
    ]

    operations = [
        migrations.AlterField(
            model_name="balance",
            name="method",
            field=models.CharField(
                choices=[
                    ("TOP", "top balance"),
                    ("TOP_STEP", "step-and-pause top balance"),
                    ("BOTTOM", "bottom balance"),
                ],
                max_length=8,
            ),
        ),
    ]
