"""Where a card is saved that was tapped: the forms of cards and members take its number and, hidden, its enrolment."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from members.admin import CardAdmin, MemberAdmin
from members.admin.forms import CardForm, CardOfMemberForm
from members.admin.people import CardInline
from telemetry.enrolment import refusal

# In the address of an empty member form.
CARD, ENROLMENT = "card", "enrolment"


class EnrolmentField(forms.CharField):
    """Says nothing of the card: it is no change, and nothing to keep."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class TappedCardMixin(forms.Form):
    enrolment = EnrolmentField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        token, uid = cleaned.get("enrolment"), cleaned.get("uid")
        if token and uid and (reason := refusal(token, uid)):
            self.add_error("uid", forms.ValidationError(reason, code="enrolment"))
        return cleaned


class TappedCardForm(TappedCardMixin, CardOfMemberForm):
    pass


class TappedCardRow(TappedCardMixin, CardForm):
    pass


class TappedCardFormSet(CardInline.formset):  # type: ignore[misc,valid-type]
    tapped: ClassVar[list[dict[str, str]]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"initial": self.tapped} if self.tapped else {}), **kwargs)


class TappedCardInline(CardInline):
    form = TappedCardRow
    formset = TappedCardFormSet

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        if obj is None and (tapped := _tapped(request)):
            formset.tapped = [tapped]
        return formset

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj is None and _tapped(request) else super().get_extra(request, obj, **kwargs)


def _tapped(request: HttpRequest) -> dict[str, str]:
    """Only for the empty form: what comes back filled in would else count as left alone."""
    if request.method != "GET" or not request.GET.get(CARD):
        return {}
    return {"uid": request.GET[CARD], "enrolment": request.GET.get(ENROLMENT, "")}


CardAdmin.form = TappedCardForm
MemberAdmin.inlines[MemberAdmin.inlines.index(CardInline)] = TappedCardInline
