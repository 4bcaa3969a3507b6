"""The text members agree to. A new one is written from the one before; nobody changes what others have agreed to."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from members import agreements
from members.admin.base import LabAdmin
from members.models import Agreement, Member


class AgreementForm(forms.ModelForm):
    class Meta:
        model = Agreement
        fields: ClassVar = ["text"]
        help_texts: ClassVar = {
            "text": _(
                "Plain text. A line that begins with “# ” is a heading, one with “- ” a point of a list; an empty line"
                " begins a new paragraph. Once saved it stays as it is: change it by publishing a new version."
            )
        }

    def clean_text(self) -> str:
        text = agreements.tidied(self.cleaned_data["text"])
        agreements.hold()  # until it is saved: of two who publish the same at once, the second is told
        if agreements.is_same(text):
            raise ValidationError(_("This is the text of the current version: nothing has changed."), code="same")
        if gaps := agreements.gaps(text):  # published it could not be mended any more
            sentence = _("Fill in what stands in brackets, or take it out: %(gaps)s")
            raise ValidationError(sentence, code="gaps", params={"gaps": " ".join(gaps)})
        return text


@admin.register(Agreement)
class AgreementAdmin(LabAdmin, admin.ModelAdmin):
    form = AgreementForm
    list_display = ("named", "published_at", "published_by", "agreed")
    list_select_related = ("published_by",)
    sortable_by = ()
    personal = frozenset({"published_by"})

    class Media:
        css: ClassVar = {"all": ("telemetry/admin/agreements.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agreement]:
        people = Member.objects.filter(consent_to=OuterRef("pk")).order_by().values("consent_to")
        return (
            super().get_queryset(request).annotate(people=Subquery(people.annotate(count=Count("pk")).values("count")))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("text",)})]
        fields = ("version", "published_at", "published_by", "agreed", "page", "words")
        return [(None, {"fields": tuple(name for name in fields if not self.hides(request, name))})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("version", "published_at", "published_by", "agreed", "page", "words")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        latest = agreements.current()
        return {"text": latest.text if latest else agreements.starter_text()}

    def save_model(self, request: HttpRequest, obj: Agreement, form: Any, change: bool) -> None:
        obj.published_by_id = request.user.pk
        agreements.give_number(obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        context["show_save_and_add_another"] = False  # it would be the same text
        return super().render_change_form(request, context, *args, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # ---- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description=_("version"))
    def named(self, agreement: Agreement) -> str:
        return str(agreement)

    @admin.display(description=_("members who agreed to it"))
    def agreed(self, agreement: Any) -> str:
        return number_format(agreement.people or 0, force_grouping=True)

    @admin.display(description=_("page"))
    def page(self, agreement: Agreement) -> Any:
        address = reverse("agreement_version", args=[agreement.version])
        return format_html('<a href="{}">{}</a>', address, _("As members read it, and to print"))

    @admin.display(description=_("text"))
    def words(self, agreement: Agreement) -> Any:
        return format_html('<div class="agreement-text">{}</div>', agreements.as_html(agreement.text))
