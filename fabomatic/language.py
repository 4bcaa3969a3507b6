"""The language buttons: who is logged in keeps the choice, because the member's own language wins."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from django.views.i18n import set_language


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    member: Any = request.user
    language = request.POST.get("language", "")
    if member.is_authenticated and language in dict(settings.LANGUAGES) and member.language != language:
        member.language = language
        member.save(update_fields=["language"])
    return set_language(request)
