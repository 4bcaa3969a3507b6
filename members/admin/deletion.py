"""Deleting members: what goes with them, what stays without their name, and disabling as the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import CASCADE, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from members.admin.actions import MemberActions
from members.admin.forms import LAST_SUPERUSER
from members.admin.selection import Selection
from members.apps import OUR_APPS
from members.models import Member
from members.power import is_last_superuser, untouchable

MOST_COUNTED = 10_000


@dataclass
class Fate:
    """Counts, not lists: somebody who comes daily has thousands of uses."""

    goes: list[tuple[str, str]] = field(default_factory=list)
    stays: list[tuple[str, str]] = field(default_factory=list)
    models_that_go: list[Any] = field(default_factory=list)


def fate_of(members: Sequence[Member]) -> Fate:
    fate, keys = Fate(), [member.pk for member in members]
    for relation in _relations():
        model: Any = relation.related_model
        rows = model._default_manager.filter(**{f"{relation.field.name}__in": keys}).order_by()
        count = rows.values("pk")[: MOST_COUNTED + 1].count()
        if not count:
            continue
        if relation.on_delete is CASCADE:
            fate.models_that_go.append(model)
        (fate.goes if relation.on_delete is CASCADE else fate.stays).append((_label(relation), _count(count)))
    return fate


def _relations() -> Iterator[Any]:
    relations: Any = Member._meta.related_objects
    return (relation for relation in relations if relation.related_model._meta.app_label in OUR_APPS)


def _label(relation: Any) -> str:
    things = str(relation.related_model._meta.verbose_name_plural)
    if relation.field.name == "member":
        return things
    return f"{things} ({relation.field.verbose_name})"


def _count(count: int) -> str:
    if count > MOST_COUNTED:
        return _("more than %(count)s") % {"count": number_format(MOST_COUNTED, force_grouping=True)}
    return number_format(count, force_grouping=True)


class DeletesMembers(MemberActions):
    actions: Any = (*MemberActions.actions, "delete_selected")
    # Each takes a member's name off a history, in short transactions; apps further to the right append theirs.
    forget_before: ClassVar[list[Callable[[Member], Any]]] = []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        members = list(objs)
        fate = fate_of(members)
        admin_of = self.admin_site.get_model_admin
        perms_needed = {
            model._meta.verbose_name
            for model in fate.models_that_go
            if self.admin_site.is_registered(model) and not admin_of(model).has_delete_permission(request)
        }
        if not self.has_delete_permission(request) or untouchable(request.user, members):
            perms_needed.add(self.opts.verbose_name)
        protected = [str(LAST_SUPERUSER)] if is_last_superuser(*members) else []
        return fate, dict(fate.goes), perms_needed, protected

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        member = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if member is not None and self.has_delete_permission(request, member):
            may_disable = member.is_active and self.has_change_permission(request, member)
            context = {"lone": [member], "may_disable": may_disable, "checkbox": ACTION_CHECKBOX_NAME}
            if request.method == "POST" and not any(self.get_deleted_objects([member], request)[2:]):
                self._forget(member)
        return super().delete_view(request, object_id, {**context, **(extra_context or {})})

    def _forget(self, member: Member) -> None:
        for forget in self.forget_before:
            forget(member)

    @admin.action(description=gettext_lazy("Delete selected members"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
        with transaction.atomic():
            if (selection := self.selection(request, queryset)) is None:
                return None
        is_confirmed = "post" in request.POST
        if is_confirmed and selection.left_out:  # the page that asked did not offer them
            raise PermissionDenied
        fate, _counts, perms_needed, protected = self.get_deleted_objects(selection.members, request)
        if not is_confirmed or protected:
            return self._ask_before_deletion(request, selection, fate, perms_needed, protected)
        if perms_needed:
            raise PermissionDenied
        selection.leave_out(lambda member: not self._delete_one(request, member), _("somebody has to stay in charge"))
        count = len(selection.members)
        done = ngettext("%(count)d member was deleted.", "%(count)d members were deleted.", count)
        selection.say(request, done % {"count": count} if count else "")
        return None

    def _delete_one(self, request: HttpRequest, member: Member) -> bool:
        """A transaction each: a long one would keep the readers waiting."""
        if is_last_superuser(member):
            return False
        self._forget(member)
        with transaction.atomic():
            if is_last_superuser(member):
                return False
            self.log_deletions(request, [member])
            self.delete_model(request, member)
        return True

    def _ask_before_deletion(
        self, request: HttpRequest, selection: Selection, fate: Fate, perms_needed: Any, protected: list[str]
    ) -> HttpResponse:
        is_refused = bool(perms_needed or protected or not selection.members)
        return self.ask(
            request,
            selection,
            title=_("These members cannot be deleted") if is_refused else _("Delete members"),
            deleted_objects=fate,
            perms_lacking=perms_needed,
            protected=protected,
            is_deletion=True,
            may_disable=self.has_change_permission(request),
        )
