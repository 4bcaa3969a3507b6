"""Copying plans to other machines, those of the same type offered first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from machines.admin.hours import HoursField
from machines.admin.pickers import MachinesWidget
from machines.models import Machine, MaintenancePlan
from members.admin import LabAdmin
from members.admin.pickers import is_key
from members.changes import value

MOST_COPIES = 200
COPIED = ("description", "lcd_message", "hours_between", "days_between", "instructions_url", "is_active")


class CopyPlansForm(forms.Form):
    plans = forms.ModelMultipleChoiceField(
        queryset=MaintenancePlan.objects.select_related("machine"), widget=forms.MultipleHiddenInput
    )
    same_type = forms.ModelMultipleChoiceField(
        queryset=Machine.objects.none(),
        label=_("Machines of the same type"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "same-type"}),
    )
    others = forms.ModelMultipleChoiceField(queryset=Machine.objects.none(), label=_("Other machines"), required=False)
    hours_ago = HoursField(
        label=_("Hours of use since the last work"), required=False, help_text=_("Empty: the copies count from now.")
    )
    days_ago = forms.IntegerField(
        label=_("Days since the last work"), required=False, min_value=0, max_value=36500, help_text=_("Empty: today.")
    )

    def __init__(self, plans: Sequence[MaintenancePlan], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = {plan.machine.type_id for plan in plans}
        own = {plan.machine_id for plan in plans}
        # A single machine that has them all already is no place to copy to.
        alike = Machine.objects.filter(type__in=types).exclude(pk__in=own if len(own) == 1 else ())
        same: Any = self.fields["same_type"]
        same.queryset = alike
        others: Any = self.fields["others"]
        widget = MachinesWidget()
        widget.is_required = False
        others.widget, others.queryset = widget, Machine.objects.all()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        chosen = self.machines()
        if not chosen:
            raise ValidationError(_("Choose at least one machine."), code="none")
        if len(chosen) * len(cleaned["plans"]) > MOST_COPIES:
            text = _("At most %(most)d copies at once, please.") % {"most": MOST_COPIES}
            raise ValidationError(text, code="too_many")
        self._refuse_more_than_ran(chosen, cleaned["hours_ago"])
        return cleaned

    def _refuse_more_than_ran(self, machines: Sequence[Machine], ago: int | None) -> None:
        young = [str(machine) for machine in machines if ago is not None and ago > machine.seconds_used]
        if young:
            text = _("Not run that long: %(machines)s.") % {"machines": ", ".join(young[:5])}
            self.add_error("hours_ago", ValidationError(text, code="young"))

    def machines(self) -> list[Machine]:
        chosen = {machine.pk: machine for name in ("same_type", "others") for machine in self.cleaned_data[name]}
        return list(chosen.values())

    def copies(self, now: datetime) -> list[MaintenancePlan]:
        ago, days = self.cleaned_data["hours_ago"] or 0, self.cleaned_data["days_ago"] or 0
        return list(copies_of(list(self.cleaned_data["plans"]), self.machines(), ago, now - timedelta(days=days)))


def copies_of(
    plans: Sequence[MaintenancePlan], machines: Sequence[Machine], seconds_ago: int, last_work_at: datetime
) -> Iterator[MaintenancePlan]:
    """Unsaved. What a machine has already, by its description, it gets no second time."""
    there = set(
        MaintenancePlan.objects.filter(machine__in=[machine.pk for machine in machines])
        .order_by()
        .values_list("machine_id", "description")
    )
    for plan in plans:
        for machine in machines:
            if (machine.pk, plan.description) in there:
                continue
            there.add((machine.pk, plan.description))
            yield MaintenancePlan(
                machine=machine,
                reading_at_last_work=max(0, machine.seconds_used - seconds_ago),
                last_work_at=last_work_at,
                **{name: getattr(plan, name) for name in COPIED},
            )


class CopiesPlans(LabAdmin):
    """The page, for the admin of plans."""

    def get_urls(self) -> list[Any]:
        copying = self.admin_site.admin_view(self.copy_view)
        return [path("copy/", copying, name="machines_maintenanceplan_copy"), *super().get_urls()]

    @admin.action(description=_("Copy to other machines…"), permissions=["add"])
    def copy_selected(self, request: HttpRequest, queryset: QuerySet[MaintenancePlan]) -> HttpResponse | None:
        plans = list(queryset.select_related("machine")[: MOST_COPIES + 1])
        if len(plans) > MOST_COPIES:
            text = _("Choose at most %(most)d, please.") % {"most": MOST_COPIES}
            self.message_user(request, text, messages.ERROR)
            return None
        return self._copy_page(request, plans, CopyPlansForm(plans))

    def copy_view(self, request: HttpRequest) -> HttpResponse:
        if not (self.has_add_permission(request) and self.has_view_or_change_permission(request)):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else request.GET
        ids = [number for number in data.getlist("plans") if is_key(number)]
        plans = list(MaintenancePlan.objects.filter(pk__in=ids[:MOST_COPIES]).select_related("machine"))
        if not plans:
            return redirect("admin:machines_maintenanceplan_changelist")
        form = CopyPlansForm(plans, request.POST) if request.method == "POST" else CopyPlansForm(plans)
        if form.is_bound and form.is_valid():
            return self._copied(request, form)
        return self._copy_page(request, plans, form)

    def _copied(self, request: HttpRequest, form: CopyPlansForm) -> HttpResponse:
        with transaction.atomic():
            copies = form.copies(timezone.now())
            for plan in copies:
                plan.save()
                values = [value(name, None, getattr(plan, field)) for name, field in _TOLD if getattr(plan, field)]
                self.log_addition(request, plan, [{"did": "added", "values": values}])
        left = len(form.cleaned_data["plans"]) * len(form.machines()) - len(copies)
        text = ngettext("%(count)d plan was added.", "%(count)d plans were added.", len(copies)) % {
            "count": len(copies)
        }
        if left:
            already = ngettext("%(count)d was there already.", "%(count)d were there already.", left)
            text = f"{text} {already % {'count': left}}"
        self.message_user(request, text, messages.SUCCESS if copies else messages.INFO)
        return redirect("admin:machines_maintenanceplan_changelist")

    def _copy_page(self, request: HttpRequest, plans: Sequence[MaintenancePlan], form: CopyPlansForm) -> HttpResponse:
        has_alike = form.fields["same_type"].queryset.exists()  # type: ignore[attr-defined]
        names = [name for name in form.fields if name != "plans" and (name != "same_type" or has_alike)]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Copy maintenance plans"),
            "plans": plans,
            "adminform": AdminForm(form, [(None, {"fields": names})], {}, model_admin=self),  # type: ignore[arg-type]
            "errors": form.errors if form.is_bound else None,
            "media": self.media + form.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/machines/maintenanceplan/copy.html", context)


_TOLD = (
    ("description", "description"),
    ("text on the board", "lcd_message"),
    ("every … hours of use", "hours_between"),
    ("every … days", "days_between"),
    ("last work", "last_work_at"),
    ("odometer at the last work, seconds", "reading_at_last_work"),
    ("instructions", "instructions_url"),
    ("active", "is_active"),
)
