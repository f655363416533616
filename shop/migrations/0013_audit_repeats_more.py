"""The audit repeats calibrations, policies and imported capacity tests too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0012_capacity_of_a_run")]

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
                    ("CALIBRATED", "recorded a calibration"),
                    ("POLICY_STORED", "stored a policy"),
                    ("IMPORTED", "imported capacity tests"),
                    ("COMMISSIONED", "took a bench's commissioning in"),
                    ("SHARED", "made a link for a customer"),
                    ("UNSHARED", "revoked a customer's link"),
                    ("KEY_REPLACED", "replaced a signing key"),
                ],
                max_length=24,
            ),
        ),
    ]
