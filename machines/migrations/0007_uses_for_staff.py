import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('machines', '0006_plans_begin_somewhere'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='use',
            name='member',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='uses', to=settings.AUTH_USER_MODEL, verbose_name='member'),
        ),
        migrations.AddIndex(
            model_name='use',
            index=models.Index(fields=['machine', '-started_at', '-id'], name='use_latest_of_machine'),
        ),
        migrations.AddIndex(
            model_name='use',
            index=models.Index(fields=['member', 'card_uid'], name='use_of_member_by_card'),
        ),
        migrations.AddIndex(
            model_name='use',
            index=models.Index(condition=models.Q(('is_replay', True)), fields=['-started_at', '-id'], name='use_latest_replayed'),
        ),
    ]
