from django.db import migrations


def create_type(apps, schema_editor):
    apps.get_model("machines", "MachineType").objects.create(name="Machine")


class Migration(migrations.Migration):
    dependencies = [("machines", "0002_initial")]
    operations = [migrations.RunPython(create_type, migrations.RunPython.noop)]
