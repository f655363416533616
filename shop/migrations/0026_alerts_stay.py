"""That somebody was told of a run is said once and stays (F4, T4)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0025_recovery_of_packs")]

    operations = [
        migrations.RunSQL("SELECT shop_protect('shop_runalert')", migrations.RunSQL.noop),
    ]
