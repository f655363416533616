"""That somebody was told of a run is said once and stays (F4, T4)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0026_audited_courses")]

    operations = [
        migrations.RunSQL("SELECT shop_protect('shop_runalert')", migrations.RunSQL.noop),
    ]
