from typing import Any

from django.apps import AppConfig
from django.db.migrations.operations import CreateModel
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

OUR_APPS = ("members", "machines", "telemetry", "fabomatic")


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self) -> None:
        post_migrate.connect(give_administrators_new_permissions, dispatch_uid="administrators_permissions")


def give_administrators_new_permissions(sender: AppConfig, plan: Any = (), **kwargs: Any) -> None:
    """Those of models that these migrations made: what a lab took away later stays away."""
    new = [
        operation.name.lower()
        for migration, is_backwards in plan
        if migration.app_label == sender.label and not is_backwards
        for operation in migration.operations
        if isinstance(operation, CreateModel)
    ]
    if sender.label not in OUR_APPS or not new:
        return
    from django.contrib.auth.models import Permission

    from members.models import Role

    permissions = Permission.objects.filter(content_type__app_label=sender.label, content_type__model__in=new)
    for role in Role.objects.filter(is_reserved=True, is_backend_admin=True):
        role.permissions.add(*permissions)
