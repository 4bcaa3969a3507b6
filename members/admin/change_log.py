"""Who changed what by hand, to read. Nobody adds to it, corrects it or takes anything away."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import IntegerField, Model, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.admin.base import LabAdmin, LabChangeList, sees_people
from members.admin.filters import PersonFilter, SpanFilter
from members.apps import OUR_APPS
from members.changes import names_person, sentences
from members.models import Change

Thing = tuple[int | None, str]


class KindOfThingFilter(admin.SimpleListFilter):
    title = gettext_lazy("kind of thing")
    parameter_name = "thing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        models: Any = [model for model in model_admin.admin_site._registry if model._meta.app_label in OUR_APPS]
        named = [(model._meta.label_lower, model._meta.verbose_name) for model in models if model is not Change]
        return sorted(named, key=lambda item: str(item[1]).lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        app_label, _dot, model = (self.value() or "").partition(".")
        if not model:
            return queryset
        return queryset.filter(content_type__app_label=app_label, content_type__model=model)


class ChangeLogList(LabChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.model_admin.prepare(request, self.result_list)  # type: ignore[attr-defined]


@admin.register(Change)
class ChangeAdmin(LabAdmin):
    list_display = ("at", "who", "what", "kind_of_thing", "sentences")
    list_display_links = ("at",)
    list_filter = (("at", SpanFilter), ("member", PersonFilter), KindOfThingFilter, "kind")
    list_select_related = ("member",)
    search_fields = ("object_repr",)
    sortable_by = ("at",)
    fields = readonly_fields = ("at", "who", "kind", "kind_of_thing", "what", "sentences")
    personal = frozenset({"member", "object_repr"})
    actions = None

    class Media:
        css: ClassVar = {"all": ("telemetry/admin/members.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeLogList]:
        return ChangeLogList

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        change = super().get_object(request, object_id, from_field)
        if change is not None:
            self.prepare(request, [change])
        return change

    def prepare(self, request: HttpRequest, changes: list[Any]) -> None:
        """What the columns need of whoever reads, and of what still exists: one query for all rows."""
        shows, addresses = sees_people(request.user), self._addresses(request, changes)
        for change in changes:
            change.shows_people = shows
            if not shows and _names_person(change):
                change.object_repr = "…"  # titles are made of it, too
            change.address = addresses.get((change.content_type_id, change.object_id))

    def _addresses(self, request: HttpRequest, changes: list[Change]) -> dict[Thing, str]:
        pages: dict[Thing, str] = {}
        sought: dict[int, set[int]] = defaultdict(set)
        for change in changes:
            if change.content_type_id is not None and change.object_id.isdigit() and len(change.object_id) < 19:
                sought[change.content_type_id].add(int(change.object_id))
        models = {key: model for key in sought if (model := self._shown_model(request, key)) is not None}
        kinds = [
            model._default_manager.filter(pk__in=sought[key])
            .order_by()
            .annotate(kind_key=Value(key, IntegerField()))
            .values_list("kind_key", "pk")
            for key, model in models.items()
        ]
        for key, pk in kinds[0].union(*kinds[1:], all=True) if kinds else ():
            options = models[key]._meta
            pages[key, str(pk)] = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[pk])
        return pages

    def _shown_model(self, request: HttpRequest, content_type_id: int) -> Any:
        """Where whoever reads may go on to the thing itself."""
        model = ContentType.objects.get_for_id(content_type_id).model_class()
        if model is None or not self.admin_site.is_registered(model):
            return None
        return model if self.admin_site.get_model_admin(model).has_view_or_change_permission(request) else None

    # ---- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("who"))
    def who(self, change: Any) -> str:
        if not change.shows_people:
            return "…"
        return str(change.member) if change.member is not None else _("somebody who left")

    @admin.display(description=gettext_lazy("what"))
    def what(self, change: Any) -> str:
        name: str = change.object_repr
        return format_html('<a href="{}"><bdi>{}</bdi></a>', change.address, name) if change.address else name

    @admin.display(description=gettext_lazy("kind of thing"))
    def kind_of_thing(self, change: Any) -> str:
        model = _model_of(change)
        return "–" if model is None else str(model._meta.verbose_name)

    @admin.display(description=gettext_lazy("change"))
    def sentences(self, change: Any) -> str:
        said = sentences(change, sees_people=change.shows_people)
        if len(said) == 1:
            return said[0]
        return format_html('<ul class="sentences">{}</ul>', format_html_join("", "<li><bdi>{}</bdi></li>", zip(said)))

    # ---- to read -----------------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _model_of(change: Change) -> type[Model] | None:
    if change.content_type_id is None:
        return None
    return ContentType.objects.get_for_id(change.content_type_id).model_class()


def _names_person(change: Change) -> bool:
    """What nobody knows any more may be a person."""
    model = _model_of(change)
    return model is None or names_person(model)
