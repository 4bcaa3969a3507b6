"""`/agreement/`: what members agree to, for everybody. It is read before there is an account."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from members.agreements import as_html
from members.models import Agreement

MOST_LISTED = 100


@require_safe
def agreement(request: HttpRequest, version: int | None = None) -> HttpResponse:
    known = list(Agreement.objects.only("version", "published_at").order_by("-version")[:MOST_LISTED])
    wanted = (known[0].version if known else None) if version is None else version
    shown = Agreement.objects.filter(version=wanted).first() if wanted is not None else None
    context = {
        "agreement": shown,
        "text": as_html(shown.text) if shown else "",
        "current": known[0] if known else None,
        "is_current": shown is not None and shown.version == known[0].version,
        "others": [one for one in known if shown is None or one.version != shown.version],
        "wanted": wanted,
    }
    return render(request, "agreement.html", context, status=200 if shown else 404)
