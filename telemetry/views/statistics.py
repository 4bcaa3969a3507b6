"""`/statistics/`: what the lab was used for, in pictures, and the same as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from telemetry.statistics.export import DEFAULT, as_csv, as_xlsx, tables
from telemetry.statistics.figures import Figures, figures
from telemetry.statistics.page import Page
from telemetry.statistics.span import NAMES, chosen

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def for_readers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Staff that may look at uses."""

    @wraps(view)
    def with_reader(request: HttpRequest) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not (user.is_active and user.is_staff and user.has_perm("machines.view_use")):
            raise PermissionDenied
        return view(request)

    return with_reader


def for_files(view: Callable[[HttpRequest, Figures], HttpResponse]) -> Callable[..., HttpResponse]:
    """The view gets the figures; whoever asks for no span is told so by the page."""

    @wraps(view)
    def with_figures(request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        span, trouble = chosen(request.GET, now)
        if trouble:
            return redirect(f"{reverse('statistics')}?{request.GET.urlencode()}")
        return view(request, figures(span, now))

    return with_figures


@never_cache
@require_safe
@for_readers
def statistics(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    span, trouble = chosen(request.GET, now)
    context: dict[str, Any] = {
        "page": Page(figures(span, now)),
        "span": span,
        "trouble": trouble,
        "spans": NAMES.items(),
    }
    return render(request, "statistics.html", context, status=400 if trouble else 200)


@never_cache
@require_safe
@for_readers
@for_files
def statistics_csv(request: HttpRequest, found: Figures) -> HttpResponse:
    name = request.GET.get("table", "") or DEFAULT
    table = tables(found).get(name)
    if table is None:
        raise Http404
    return _file(as_csv(table), "text/csv; charset=utf-8", f"{name}-{_days(found)}.csv")


@never_cache
@require_safe
@for_readers
@for_files
def statistics_xlsx(request: HttpRequest, found: Figures) -> HttpResponse:
    return _file(as_xlsx(found), XLSX, f"statistics-{_days(found)}.xlsx")


def _days(found: Figures) -> str:
    return f"{found.span.first}-{found.span.last}"


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="fabomatic-{name}"'}
    )
