"""What a form of the admin changed, as `members.changes` keeps it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.helpers import AdminForm
from django.db.models import Model
from django.forms.utils import pretty_name
from django.utils.translation import override

from members.changes import PEOPLE, PERSONAL_FIELDS, Details, as_text, names_person, state_of, value


def details_of(form: Any, formsets: Any, *, is_new: bool) -> Details:
    with override(None):
        details: Details = [{"did": "added" if is_new else "changed", "values": _values(form)}]
        for formset in formsets or ():
            details += _of_rows(formset)
    return [part for part in details if part.get("values") or "name" in part or part["did"] == "added"]


def _of_rows(formset: Any) -> Details:
    rows = [(row, "added") for row in formset.new_objects] + [(row, "changed") for row, _ in formset.changed_objects]
    kept = [{"did": did, **_name(row), "values": _values(_form_of(formset, row))} for row, did in rows]
    gone = [{"did": "deleted", **_name(row), "values": state_of(row)} for row in formset.deleted_objects]
    return kept + gone


def _form_of(formset: Any, row: Model) -> Any:
    return next(form for form in formset.forms if form.instance is row)


def _name(row: Model) -> dict[str, Any]:
    personal = {"personal": True} if names_person(type(row)) else {}
    return {"name": str(row._meta.verbose_name), "object": str(row), **personal}


def _values(form: Any) -> list[dict[str, Any]]:
    return [_value(form.form if isinstance(form, AdminForm) else form, name) for name in form.changed_data]


def _value(form: Any, name: str) -> dict[str, Any]:
    field: Any = form.fields.get(name)
    label = str(field.label) if field is not None and field.label else pretty_name(name)
    if "password" in name or field is None:
        return value(label, None, "•••")
    is_person = isinstance(field, forms.ModelChoiceField) and field.queryset.model in PEOPLE  # type: ignore[union-attr]
    is_of_person = isinstance(getattr(form, "instance", None), PEOPLE)
    return value(
        label,
        _shown(field, form.get_initial_for_field(field, name)),
        _shown(field, form.cleaned_data.get(name)),
        personal=is_person or is_of_person or name in PERSONAL_FIELDS,
    )


def _shown(field: Any, raw: Any) -> Any:
    """As the form shows it: a choice by its name, hours as hours."""
    if isinstance(field, forms.ModelMultipleChoiceField):
        return [str(item) for item in raw or ()]
    if isinstance(field, forms.ModelChoiceField):
        choices: Any = field.queryset
        if raw in (None, "") or isinstance(raw, Model):
            return raw
        return choices.filter(**{field.to_field_name or "pk": raw}).first() or raw
    if isinstance(field, forms.ChoiceField) and raw not in (None, ""):
        names: Any = field.choices
        return dict(names).get(raw, raw)
    return raw if isinstance(raw, bool) else as_text(field.prepare_value(raw))
