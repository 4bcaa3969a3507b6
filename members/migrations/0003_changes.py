import json
from datetime import UTC, datetime

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


KINDS = {1: "added", 2: "changed", 3: "deleted"}


def take_over_djangos_log(apps, schema_editor):
    """The table of Django's admin, which used to keep the log; this app does not depend on it."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if "django_admin_log" not in connection.introspection.table_names(cursor):
            return
        cursor.execute(
            "SELECT action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message"
            " FROM django_admin_log ORDER BY id"
        )
        rows = cursor.fetchall()
    Change = apps.get_model("members", "Change")
    present = set(apps.get_model("contenttypes", "ContentType").objects.values_list("pk", flat=True))
    Change.objects.bulk_create(
        (
            Change(
                at=_aware(at),
                member_id=member_id,
                content_type_id=content_type_id if content_type_id in present else None,
                object_id=(object_id or "")[:40],
                object_repr=object_repr,
                kind=KINDS.get(flag, "changed"),
                details=[{"did": "said", "text": _sentence(message), "personal": True}] if _sentence(message) else [],
            )
            for at, member_id, content_type_id, object_id, object_repr, flag, message in rows
        ),
        batch_size=200,
    )


def _aware(at):
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _sentence(message):
    """Which fields, without values: more was not kept."""
    try:
        parts = json.loads(message)
        fields = [field for part in parts for field in part.get("changed", {}).get("fields", ())]
    except (ValueError, AttributeError, TypeError):
        return message
    return ", ".join(fields)


class Migration(migrations.Migration):

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('members', '0002_roles'),
    ]

    operations = [
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='time')),
                ('object_id', models.CharField(max_length=40, verbose_name='number')),
                ('object_repr', models.CharField(max_length=200, verbose_name='what')),
                ('kind', models.CharField(choices=[('added', 'added'), ('changed', 'changed'), ('deleted', 'deleted')], max_length=8, verbose_name='kind of change')),
                ('details', models.JSONField(blank=True, default=list, verbose_name='details')),
                ('content_type', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='contenttypes.contenttype', verbose_name='kind of thing')),
                ('member', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='changes', to=settings.AUTH_USER_MODEL, verbose_name='who')),
            ],
            options={
                'verbose_name': 'change',
                'verbose_name_plural': 'changes',
                'ordering': ['-at', '-pk'],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['-at', '-id'], name='change_latest'), models.Index(fields=['content_type', 'object_id', '-at'], name='change_latest_of_object')],
            },
        ),
        migrations.RunPython(take_over_djangos_log, migrations.RunPython.noop),
    ]
