"""Login by e-mail; permissions come from the role and from nowhere else."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from members.models import Member


class RoleBackend(ModelBackend):
    def user_can_authenticate(self, user: Any) -> bool:
        return user is not None and user.is_active

    def get_user(self, user_id: int) -> Member | None:
        member = Member.objects.select_related("role").filter(pk=user_id).first()
        return member if member is not None and self.user_can_authenticate(member) else None

    async def aget_user(self, user_id: int) -> Member | None:
        return await sync_to_async(self.get_user)(user_id)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Django would give a superuser everything, also one whose role does not enter the administration."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_role_permissions"):
            everything = user_obj.is_superuser and user_obj.is_staff
            permissions = Permission.objects.all() if everything else self._get_user_permissions(user_obj)
            names = permissions.order_by().values_list("content_type__app_label", "codename")
            user_obj._role_permissions = {f"{app_label}.{codename}" for app_label, codename in names}
        return user_obj._role_permissions

    def _get_user_permissions(self, user_obj: Member) -> QuerySet[Permission]:
        return Permission.objects.filter(roles__members=user_obj)

    def _get_group_permissions(self, user_obj: Member) -> QuerySet[Permission]:
        return Permission.objects.none()
