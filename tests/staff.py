"""People of the lab who work in the admin, and the words their tests use."""

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from members.models import Member, Role

VERBS = ("view", "add", "change", "delete")
MEMBER_WORK = [f"{verb}_{model}" for verb in VERBS for model in ("member", "role", "card", "authorization")]
MACHINE_WORK = [
    f"{verb}_{model}"
    for verb in VERBS
    for model in ("machine", "machinetype", "maintenanceplan", "intervention", "use", "board", "tap")
]


def backend_role(name: str, *codenames: str) -> Role:
    """A role that enters the admin with these permissions and no other power."""
    role = Role.objects.create(name=name, is_backend_admin=True)
    role.permissions.set(Permission.objects.filter(codename__in=codenames))
    return role


def client_of(member: Member) -> Client:
    client = Client()
    client.force_login(member)
    return client


def page(model: Any, kind: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


def filled_in(client: Client, url: str) -> dict[str, Any]:
    """What the forms of a page would send if somebody only pressed Save."""
    response = client.get(url)
    assert response.status_code == 200, response
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data: dict[str, Any] = {}
    for form in forms:
        for field in form:
            data.update(_sent(field))
    return data


def save(client: Client, url: str, **changes: Any) -> Any:
    """Opens the page, changes some fields, presses Save."""
    return client.post(url, {**filled_in(client, url), **changes})


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "it was saved"
    return dict(response.context["adminform"].form.errors)


def _sent(bound: Any) -> dict[str, Any]:
    """By the widget's own names, so that a time split in two comes in two."""
    value = bound.value()
    widget = bound.field.widget
    if hasattr(widget, "decompress") and hasattr(widget, "widgets"):
        parts = widget.decompress(value) if value else [None] * len(widget.widgets)
        names = [f"{bound.html_name}_{position}" for position in range(len(parts))]
        sent = {name: "" if part is None else str(part) for name, part in zip(names, parts, strict=True)}
        if bound.field.show_hidden_initial:
            sent |= {f"initial-{name}": text for name, text in sent.items()}
        return sent
    if value is None or value is False:
        return {}
    if isinstance(value, list | tuple):
        return {bound.html_name: list(value)}
    hidden = {bound.html_initial_name: value} if bound.field.show_hidden_initial else {}
    return {bound.html_name: value, **hidden}
