"""What the list of members is narrowed down by, beside roles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from members import consents
from members.days import today_here
from members.models import Card

SOON = timedelta(days=30)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("active", _("active")), ("disabled", _("disabled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("active", "disabled"):
            return queryset.filter(is_active=self.value() == "active")
        return queryset


class MembershipFilter(admin.SimpleListFilter):
    title = _("membership")
    parameter_name = "membership"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("valid", _("valid")), ("soon", _("ends within 30 days")), ("ended", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = today_here()
        match self.value():
            case "valid":
                return queryset.filter(Q(valid_until__gte=today) | Q(valid_until=None))
            case "soon":
                return queryset.filter(valid_until__range=(today, today + SOON))
            case "ended":
                return queryset.filter(valid_until__lt=today)
            case _:
                return queryset


class ConsentFilter(admin.SimpleListFilter):
    title = _("agreement")
    parameter_name = "consent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("current", _("agreed to the current version")),
            ("older", _("agreed to an older one, or to none by number")),
            ("none", _("did not agree")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "current":
                return queryset.filter(consents.AGREED)
            case "older":
                return queryset.filter(consents.AGREED_BEFORE)
            case "none":
                return queryset.filter(consents.NOT_AGREED)
            case _:
                return queryset


class CardsFilter(admin.SimpleListFilter):
    title = _("cards")
    parameter_name = "cards"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("none", _("without a card")), ("lost", _("with a lost card"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        cards = Card.objects.filter(member=OuterRef("pk"))
        match self.value():
            case "none":
                return queryset.filter(~Exists(cards))
            case "lost":
                return queryset.filter(Exists(cards.filter(is_lost=True)))
            case _:
                return queryset
