from django.db import migrations

ROLES = [
    {
        "name": "Administrators",
        "authorize_all": True,
        "can_maintain": True,
        "is_backend_admin": True,
        "is_reserved": True,
    },
    {"name": "Staff", "authorize_all": True, "can_maintain": True, "is_reserved": True},
    {"name": "Members", "is_reserved": True},
]


def create_roles(apps, schema_editor):
    role = apps.get_model("members", "Role")
    for fields in ROLES:
        role.objects.create(**fields)


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial")]
    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
