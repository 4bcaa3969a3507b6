"""Export of what a list shows, and import with a preview, for each list that has a table in `members.exchange`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR, IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, PAGE_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from members.admin.imports import ImportViews
from members.changes import note
from members.exchange import people  # noqa: F401 registers what it can write
from members.exchange.tables import TABLES, Table
from members.exchange.writing import MOST_ROWS_IN_XLSX, XLSX, csv_parts, download, ids_of, xlsx_parts
from members.models import Change

MOST_COUNTED = 10_000  # by the list itself
FORMATS = {"csv": (csv_parts, "text/csv; charset=utf-8"), "xlsx": (xlsx_parts, XLSX)}


class Exchange(ImportViews, admin.ModelAdmin):
    @property
    def table(self) -> Table | None:
        return TABLES.get(self.model)

    def get_urls(self) -> list[Any]:
        if self.table is None:
            return super().get_urls()
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("export/", view(self.export_view), name=f"{name}_export"),
            path("import/", view(self.import_view), name=f"{name}_import"),
            path("import/<str:token>/", view(self.import_job_view), name=f"{name}_import_job"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        links = [] if IS_POPUP_VAR in request.GET else self._links(request)
        return super().changelist_view(request, {"exchange_links": links, **(extra_context or {})})

    def _links(self, request: HttpRequest) -> list[tuple[str, str]]:
        links = []
        if self.table is not None and self.has_view_permission(request):
            query = request.GET.urlencode()
            links.append((self._url("export") + (f"?{query}" if query else ""), _("Export")))
        if self.may_import(request):
            links.append((self._url("import"), _("Import")))
        return links

    def _url(self, kind: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{kind}", args=args)

    # ---- export ------------------------------------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> Any:
        actions: dict[str, Any] = super().get_actions(request)
        if self.table is not None and IS_POPUP_VAR not in request.GET and self.has_view_permission(request):
            actions["export_csv"] = (_export_csv, "export_csv", gettext_lazy("Export selected as CSV"))
            actions["export_xlsx"] = (_export_xlsx, "export_xlsx", gettext_lazy("Export selected as XLSX"))
        return actions

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if self.table is None or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            listed = self._listed(request)
        except IncorrectLookupParameters:
            return redirect(f"{self._url('changelist')}?e=1")
        if request.method == "POST":
            return self.exported(request, listed.queryset, request.POST.get("format", "csv"))
        columns = self.table.columns_for(sees_people=request.user.has_perm("members.view_member"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export: %(things)s") % {"things": self.opts.verbose_name_plural},
            "opts": self.opts,
            "count": listed.result_count,
            "is_more": listed.result_count >= MOST_COUNTED,
            "is_filtered": bool(request.GET),
            "headings": [column.heading for column in columns],
            "leaves_people_out": len(columns) < len(self.table.columns),
            "most_in_xlsx": MOST_ROWS_IN_XLSX,
            "query": request.GET.urlencode(),
        }
        return TemplateResponse(request, "admin/import_export/export.html", context)

    def exported(self, request: HttpRequest, listed: QuerySet[Any], file_format: str) -> HttpResponseBase:
        table = self.table
        if table is None or file_format not in FORMATS:
            raise PermissionDenied
        sees_people = request.user.has_perm("members.view_member")
        columns = table.columns_for(sees_people=sees_people)
        ids = ids_of(listed)
        if file_format == "xlsx" and len(ids) > MOST_ROWS_IN_XLSX:
            text = _("XLSX holds %(most)d rows at most here: take CSV, or filter the list.")
            self.message_user(request, text % {"most": MOST_ROWS_IN_XLSX}, messages.ERROR)
            return redirect(request.get_full_path())
        if sees_people and any(column.personal for column in columns):
            self._note_export(request, len(ids))
        write, content_type = FORMATS[file_format]
        day = timezone.localdate(timezone=timezone.get_default_timezone())
        name = f"fabomatic-{self.opts.model_name}s-{day}.{file_format}"
        return download(request, write(table, columns, ids), content_type, name)

    def _note_export(self, request: HttpRequest, count: int) -> None:
        """With whoever did it: there is no single thing that changed."""
        who: Any = request.user
        with override(None):
            things = str(self.opts.verbose_name_plural)
        note(who.pk, who, Change.Kind.CHANGED, [{"did": "exported", "name": things, "object": str(count)}])

    def _listed(self, request: HttpRequest) -> ChangeList:
        """As the list has it, without its page."""
        query: Any = request.GET.copy()
        for name in (PAGE_VAR, ALL_VAR):
            query.pop(name, None)
        request.GET = query
        return self.get_changelist_instance(request)


def _export_csv(model_admin: Exchange, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
    return model_admin.exported(request, queryset, "csv")


def _export_xlsx(model_admin: Exchange, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
    return model_admin.exported(request, queryset, "xlsx")
