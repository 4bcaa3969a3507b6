"""Login by e-mail; permissions come from the role and from nowhere else."""

from typing import Any

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

    def _get_user_permissions(self, user_obj: Member) -> QuerySet[Permission]:
        return Permission.objects.filter(roles__members=user_obj)

    def _get_group_permissions(self, user_obj: Member) -> QuerySet[Permission]:
        return Permission.objects.none()
