"""Filters for lists that grow for years: days instead of moments, people found by typing instead of among thousands.
Links and plain forms, so that they work without JavaScript; used as `("field", SpanFilter)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import FieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import DateTimeField, QuerySet
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members.admin.search import MOST_RELATED, of_any, people_matching

Days = tuple[date | None, date | None]
MOST_NAMES = 8


class FormFilter(FieldListFilter):
    """One with a form of its own, which keeps what the other filters say."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        mine = self.expected_parameters()
        others = ((name, values) for name, values in changelist.filter_params.items() if name not in mine)
        self.hidden = [(name, value) for name, values in others for value in values]
        yield from self.links(changelist)

    def links(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield self.link(changelist, _("All"), {}, is_selected=not any(map(self.given, self.expected_parameters())))

    def link(
        self, changelist: Any, text: Any, parameters: dict[str, Any], *, is_selected: bool = False
    ) -> dict[str, Any]:
        asked: dict[Any, Any] = dict.fromkeys(self.expected_parameters()) | parameters
        return {"display": text, "query_string": changelist.get_query_string(asked), "selected": is_selected}

    def given(self, name: Any) -> str:
        values: Any = self.used_parameters.get(name) or [""]
        return str(values[-1]).replace("\0", "").strip()


# ---- days ------------------------------------------------------------------------------------------------------------


class SpanFilter(FormFilter):
    """Days of the lab, the first and the last one included."""

    template = "admin/filters/span.html"
    SPANS: ClassVar[dict[str, tuple[Promise, Callable[[date], Days]]]] = {
        "today": (_("Today"), lambda today: (today, today)),
        "7-days": (_("Last 7 days"), lambda today: (today - timedelta(days=6), today)),
        "30-days": (_("Last 30 days"), lambda today: (today - timedelta(days=29), today)),
        "month": (_("This month"), lambda today: (today.replace(day=1), today)),
        "last-month": (_("Last month"), lambda today: _month_before(today)),
    }

    def __init__(self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str) -> None:
        self.span_name, self.from_name, self.to_name = (f"{field_path}__{end}" for end in ("span", "from", "to"))
        super().__init__(field, request, params, model, model_admin, field_path)
        self.errors: list[str] = []
        self.first, self.last = self._days()

    def expected_parameters(self) -> list[str | None]:
        return [self.span_name, self.from_name, self.to_name]

    @property
    def from_text(self) -> str:
        return self.given(self.from_name)

    @property
    def to_text(self) -> str:
        return self.given(self.to_name)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.errors:
            return queryset.none()
        if self.first is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": self._start_of(self.first)})
        if self.last is not None:
            queryset = queryset.filter(**{f"{self.field_path}__lt": self._start_of(self.last + timedelta(days=1))})
        return queryset

    def links(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield from super().links(changelist)
        for key, (name, _days) in self.SPANS.items():
            is_selected = self.given(self.span_name) == key and not (self.from_text or self.to_text)
            yield self.link(changelist, name, {self.span_name: key}, is_selected=is_selected)

    def _days(self) -> Days:
        if self.from_text or self.to_text:
            days = self._day(self.from_text), self._day(self.to_text)
            if days[0] and days[1] and days[0] > days[1]:
                self.errors.append(gettext("The first day comes after the last one."))
            return days
        if self.given(self.span_name) in self.SPANS:
            return self.SPANS[self.given(self.span_name)][1](timezone.localdate(timezone=_zone()))
        return None, None

    def _day(self, text: str) -> date | None:
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
            if date(1970, 1, 1) <= day < date(9000, 1, 1):
                return day
        except ValueError:
            pass
        self.errors.append(gettext("“%(text)s” is no day. Write it like 2026-01-31.") % {"text": text[:20]})
        return None

    def _start_of(self, day: date) -> date:
        is_moment = isinstance(self.field, DateTimeField)
        return datetime.combine(day, time.min, _zone()) if is_moment else day


def _zone() -> Any:
    """The lab's, wherever whoever asks is."""
    return timezone.get_default_timezone()


def _month_before(today: date) -> Days:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


# ---- people and machines ---------------------------------------------------------------------------------------------


class RelatedFilter(FormFilter):
    def __init__(self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str) -> None:
        self.exact_name = f"{field_path}__{field.target_field.name}__exact"
        super().__init__(field, request, params, model, model_admin, field_path)

    def expected_parameters(self) -> list[str | None]:
        return [self.exact_name]

    @property
    def chosen(self) -> str:
        return self.given(self.exact_name)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if not self.chosen:
            return queryset
        if not (self.chosen.isascii() and self.chosen.isdigit() and len(self.chosen) < 19):
            raise IncorrectLookupParameters(self.exact_name)
        return queryset.filter(**{self.field_path: int(self.chosen)})

    def _all(self) -> Any:
        related: Any = self.field.remote_field
        return related.model._default_manager


class PersonFilter(RelatedFilter):
    """By a part of the name or of the e-mail, or by a card in any notation."""

    template = "admin/filters/person.html"

    def __init__(self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str) -> None:
        self.like_name = f"{field_path}__like"
        super().__init__(field, request, params, model, model_admin, field_path)

    def expected_parameters(self) -> list[str | None]:
        return [self.exact_name, self.like_name]

    @property
    def text(self) -> str:
        return "" if self.chosen else self.given(self.like_name)

    @cached_property
    def people(self) -> list[Any]:
        """Whom the text means."""
        return list(people_matching(self.text).select_related(None)[:MOST_RELATED]) if self.text else []

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.text:
            return of_any(queryset, self.field_path, [member.pk for member in self.people])
        return super().queryset(request, queryset)

    def links(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield from super().links(changelist)
        named = self._all().filter(pk=int(self.chosen)) if self.chosen.isdigit() else self.people[:MOST_NAMES]
        for member in named:
            is_selected = bool(self.chosen) or len(self.people) == 1
            yield self.link(changelist, str(member), {self.exact_name: member.pk}, is_selected=is_selected)

    @property
    def more(self) -> int:
        return max(0, len(self.people) - MOST_NAMES)


class OneOfFilter(RelatedFilter):
    """A list to pick from, as long as there are hundreds and not thousands of them: machines."""

    template = "admin/filters/one_of.html"

    def links(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield from ()

    @cached_property
    def options(self) -> list[tuple[str, str]]:
        return [(str(thing.pk), str(thing)) for thing in self._all().all()]
