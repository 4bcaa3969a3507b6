"""What staff is asked when it gives rights to many at once."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin.pickers import MachinesWidget
from machines.granting import MOST_AT_ONCE, Terms, Wish, wishes_for, wishes_like
from machines.models import Authorization, Machine
from members.admin.pickers import FindOne, FindSeveral
from members.models import Member


def lab_today() -> date:
    return timezone.localdate(timezone=timezone.get_default_timezone())


def refuse_past(day: date | None) -> date | None:
    if day is not None and day < lab_today():
        raise ValidationError(_("This day is over: nobody could use the machine."), code="past")
    return day


def _member_widget(kind: Any) -> Any:
    return kind(Authorization._meta.get_field("member"), admin.site)


def _members() -> Any:
    return Member.objects.select_related("role")


class RightsForm(forms.Form):
    """The terms, and how many at once."""

    note = forms.CharField(
        label=_("Note"),
        max_length=200,
        required=False,
        help_text=_("For example the course. Empty: an existing right keeps its note."),
    )
    shorten = forms.BooleanField(
        label=_("Also shorten rights that end later"),
        required=False,
        help_text=_("Otherwise nobody has less than before."),
    )

    def terms(self, *, may_change: bool) -> Terms:
        given = self.cleaned_data
        return Terms(note=given["note"], may_shorten=given["shorten"], may_change=may_change)

    def wishes(self) -> list[Wish]:
        raise NotImplementedError

    def _refuse_too_many(self, count: int) -> None:
        if count > MOST_AT_ONCE:
            text = ngettext(
                "This would be %(count)d right. At most %(most)d at once, please.",
                "These would be %(count)d rights. At most %(most)d at once, please.",
                count,
            )
            raise ValidationError(text % {"count": count, "most": MOST_AT_ONCE}, code="too_many")


class GrantForm(RightsForm):
    members = forms.ModelMultipleChoiceField(queryset=Member.objects.none(), label=_("Members"))
    machines = forms.ModelMultipleChoiceField(queryset=Machine.objects.none(), label=_("Machines"))
    valid_until = forms.DateField(
        label=_("Valid until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Last valid day; empty: unlimited."),
    )
    field_order = ("members", "machines", "valid_until", "note", "shorten")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["members"], _members(), _member_widget(FindSeveral))
        _offer(self.fields["machines"], Machine.objects.select_related("type"), MachinesWidget())

    def clean_valid_until(self) -> date | None:
        return refuse_past(self.cleaned_data["valid_until"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._refuse_too_many(len(cleaned.get("members") or ()) * len(cleaned.get("machines") or ()))
        return cleaned

    def wishes(self) -> list[Wish]:
        given = self.cleaned_data
        return wishes_for(given["members"], list(given["machines"]), given["valid_until"])


class CopyForm(RightsForm):
    model = forms.ModelChoiceField(queryset=Member.objects.none(), label=_("Copy from"))
    members = forms.ModelMultipleChoiceField(
        queryset=Member.objects.none(),
        label=_("Copy to"),
        help_text=_("They get what is valid today, with the same last day. Rights that have ended are not copied."),
    )
    field_order = ("model", "members", "note", "shorten")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["model"], _members(), _member_widget(FindOne))
        _offer(self.fields["members"], _members(), _member_widget(FindSeveral))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if set(cleaned["members"]) == {cleaned["model"]}:
            self.add_error("members", ValidationError(_("Choose somebody else."), code="same"))
        elif not (wishes := self.wishes()):
            self.add_error("model", ValidationError(_("Has no right that is valid today."), code="nothing"))
        else:
            self._refuse_too_many(len(wishes))
        return cleaned

    def wishes(self) -> list[Wish]:
        given = self.cleaned_data
        return wishes_like(given["model"], given["members"], lab_today())


def _offer(field: Any, queryset: Any, widget: Any) -> None:
    widget.is_required = field.required
    field.widget = widget
    field.queryset = queryset
