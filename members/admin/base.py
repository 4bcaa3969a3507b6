"""What all our admin pages share: changes with old and new value, nothing personal for those who may not see members,
and no cost that grows with the history."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters, get_content_type_for_model
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from members.admin.changes import details_of
from members.admin.exchange import Exchange
from members.admin.pickers import LabFields, is_key
from members.changes import Details, changes_of, note, note_many, said, sentences, state_of
from members.models import Change

MOST_ROWS = 10_000


def sees_people(user: Any) -> bool:
    """Whether names, cards and whatever else belongs to a person may be shown."""
    return bool(user.has_perm("members.view_member"))


class CappedPaginator(Paginator):
    """Counts no further than anybody pages: a million rows are found by filtering."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_ROWS)

    @property
    def has_more(self) -> bool:
        return self._counted > MOST_ROWS

    @property
    def most_shown(self) -> str:
        return number_format(MOST_ROWS, force_grouping=True)

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: MOST_ROWS + 1].count())


class LabChangeList(ChangeList):
    """What no heading offers to sort by is not sorted by when the address says so: that may read a million rows."""

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (OverflowError, ValueError, DataError) as error:  # a filter that no row can match
            raise IncorrectLookupParameters(error) from error

    def get_ordering_field(self, field_name: Any) -> Any:
        is_offered = self.sortable_by is None or field_name in self.sortable_by
        return super().get_ordering_field(field_name) if is_offered else None

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        ordering = super().get_ordering(request, queryset)
        if ORDER_VAR in self.params and list(ordering) in (["pk"], ["-pk"]):  # nothing of it was offered
            del self.params[ORDER_VAR]
            ordering = super().get_ordering(request, queryset)
        return list(ordering)


class LabAdmin(LabFields, Exchange):
    paginator = CappedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count the history once for each choice
    # Columns, filters, search and form fields that say who somebody is.
    personal: ClassVar[frozenset[str]] = frozenset()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LabChangeList

    # ---- nothing personal for those who may not see members ---------------------------------------------------------

    def hides(self, request: HttpRequest, item: Any) -> bool:
        """`item` as it stands in a list of columns, filters or fields: a name, or what holds it."""
        if not self.personal or sees_people(request.user):
            return False
        name = item[0] if isinstance(item, tuple | list) else getattr(item, "parameter_name", item)
        return str(name).lstrip("=^@").split("__")[0] in self.personal

    def get_list_display(self, request: HttpRequest) -> Any:
        return [name for name in super().get_list_display(request) if not self.hides(request, name)]

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [item for item in super().get_list_filter(request) if not self.hides(request, item)]

    def get_search_fields(self, request: HttpRequest) -> Any:
        return [name for name in super().get_search_fields(request) if not self.hides(request, name)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = [
            (title, {**options, "fields": tuple(name for name in options["fields"] if not self.hides(request, name))})
            for title, options in super().get_fieldsets(request, obj)
        ]
        return [(title, options) for title, options in shown if options["fields"]]

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        return not self.hides(request, lookup) and super().lookup_allowed(lookup, value, request)

    # ---- what anybody may send ---------------------------------------------------------------------------------------

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Boxes of rows that cannot be there are as if not ticked."""
        sent = request.POST.copy()
        sent.setlist(ACTION_CHECKBOX_NAME, [key for key in sent.getlist(ACTION_CHECKBOX_NAME) if is_key(key)])
        request.POST = sent  # type: ignore[assignment]
        return super().response_action(request, queryset)

    # ---- the log of changes -----------------------------------------------------------------------------------------

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return details_of(form, formsets, is_new=add)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return note(request.user.pk, obj, Change.Kind.ADDED, _details(message))

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        if message == []:  # somebody pressed Save and had changed nothing
            return None
        return note(request.user.pk, obj, Change.Kind.CHANGED, _details(message))

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        things = [(thing, [{"did": "deleted", "values": state_of(thing)}]) for thing in queryset]
        return note_many(request.user.pk, things, Change.Kind.DELETED)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        thing: Any = self.get_object(request, unquote(object_id))
        if thing is None:
            raise Http404
        if not self.has_view_or_change_permission(request, thing):
            raise PermissionDenied
        page = self.get_paginator(request, changes_of(thing), self.list_per_page).get_page(request.GET.get("p"))
        shows = sees_people(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change history: %s") % thing,
            "subtitle": None,
            "opts": self.opts,
            "object": thing,
            "module_name": str(self.opts.verbose_name_plural).capitalize(),
            "page": page,
            "sees_people": shows,
            "changes": [(change, sentences(change, sees_people=shows)) for change in page],
            "content_type_id": get_content_type_for_model(thing).pk,
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/object_history.html", context)


def _details(message: Any) -> Details:
    return message if isinstance(message, list) else said(message)
