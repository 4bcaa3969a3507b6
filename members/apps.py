from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

SEED_MIGRATION = ("members", "0002_roles")
OUR_APPS = ("members", "machines", "telemetry")


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self) -> None:
        post_migrate.connect(give_administrators_every_permission, dispatch_uid="administrators_permissions")


def give_administrators_every_permission(sender: AppConfig, plan: Any = (), **kwargs: Any) -> None:
    """On a fresh database only: permissions exist only after the migration that makes the role."""
    is_fresh = any((migration.app_label, migration.name) == SEED_MIGRATION and not back for migration, back in plan)
    if sender.label not in OUR_APPS or not is_fresh:
        return
    from django.contrib.auth.models import Permission

    from members.models import Role

    permissions = Permission.objects.filter(content_type__app_label=sender.label)
    for role in Role.objects.filter(is_reserved=True, is_backend_admin=True):
        role.permissions.add(*permissions)
