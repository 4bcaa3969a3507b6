"""Finding people and machines by typing, whatever an address or a forged form names instead of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, ForeignKey
from django.http import HttpRequest
from django.utils.translation import gettext as _

FIRST_YEAR, LAST_YEAR = 2000, 8999


def is_key(raw: Any) -> bool:
    """What stands in an address may be anything; a database takes numbers of a certain size."""
    text = str(raw)
    return text.isascii() and text.isdigit() and len(text) < 19


class OnlyKeys:
    """Django would ask the database for whatever stands there, and fail."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        given: Any = super().value_from_datadict(data, files, name)  # type: ignore[misc]
        if isinstance(given, list):
            return [raw for raw in given if is_key(raw)]
        return given if is_key(given) else None

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [raw for raw in value if is_key(raw)], attrs)  # type: ignore[misc]


class FindOne(OnlyKeys, AutocompleteSelect):
    pass


class FindSeveral(OnlyKeys, AutocompleteSelectMultiple):
    pass


def refuse_odd_year(at: datetime) -> None:
    """Before a database, or a sum, fails on it: a slip of the finger."""
    if at.year < FIRST_YEAR:
        raise ValidationError(_("This is before the year %(year)d.") % {"year": FIRST_YEAR}, code="long_ago")
    if at.year > LAST_YEAR:
        raise ValidationError(_("This is in the future."), code="future")


class LabFields(BaseModelAdmin):
    """For a list's forms and for rows inside of others."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(db_field, DateTimeField):
            field.validators = [*field.validators, refuse_odd_year]
        return field

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", FindOne(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
