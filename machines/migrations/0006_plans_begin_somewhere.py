import django.utils.timezone
from django.db import migrations, models
from django.db.models import F


def begin_where_they_are(apps, schema_editor):
    plans = apps.get_model("machines", "MaintenancePlan").objects
    plans.update(base_reading=F("reading_at_last_work"), base_at=F("last_work_at"))


class Migration(migrations.Migration):

    dependencies = [
        ('machines', '0005_uses_for_statistics'),
    ]

    operations = [
        migrations.AddField(
            model_name='maintenanceplan',
            name='base_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name='maintenanceplan',
            name='base_reading',
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.RunPython(begin_where_they_are, migrations.RunPython.noop),
    ]
