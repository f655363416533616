"""Manifests and approvals are signed; the public halves of the keys are append-only."""

import django.db.models.deletion
from django.db import migrations, models

PROTECT = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON shop_{table}
    FOR EACH ROW EXECUTE FUNCTION shop_refuse_change();
ALTER TABLE shop_{table} ENABLE ALWAYS TRIGGER append_only
"""
ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def key_of_signature() -> models.ForeignKey:
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="shop.signingkey",
    )


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_append_only")]

    operations = [
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", ID.clone()),
                ("key_id", models.CharField(max_length=16, unique=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("manifests", "manifests of runs"),
                            ("approvals", "approvals of cells"),
                        ],
                        max_length=16,
                    ),
                ),
                ("algorithm", models.CharField(max_length=16)),
                ("public_key", models.CharField(max_length=64)),
                ("valid_from", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="KeyRetirement",
            fields=[
                ("id", ID.clone()),
                ("at", models.DateTimeField()),
                ("words", models.CharField(max_length=200)),
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="retirement",
                        to="shop.signingkey",
                    ),
                ),
            ],
        ),
        *(
            migrations.AddField(model_name=model, name=name, field=field)
            for model in ("approval", "manifest")
            for name, field in (
                ("key", key_of_signature()),
                ("signature", models.CharField(blank=True, max_length=128)),
            )
        ),
        *(
            migrations.RunSQL(
                PROTECT.format(table=table), f"DROP TRIGGER append_only ON shop_{table}"
            )
            for table in ("signingkey", "keyretirement")
        ),
    ]
