"""What the administration lists, on its home page and in its side bar: by what one comes for, not by the alphabet."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

ENROL = ("telemetry.view_tap", "members.add_card", "members.view_member")
ASK = ("members.view_member", "machines.view_machine")
SYSTEM = ("fabomatic.view_run",)

# A model is a name, a page that is none an address of ours.
_GROUPS: dict[str, tuple[str, ...]] = {
    "members": ("Member", "telemetry_unknown_cards", "Card", "telemetry_could_she", "Role", "Agreement"),
    "machines": ("Machine", "Authorization", "MaintenancePlan", "Intervention", "Use", "MachineType"),
    "telemetry": ("Tap", "Board", "Screen"),
    "fabomatic": ("system", "Change", "Run"),
}


def arranged(apps: list[dict[str, Any]], user: Any) -> list[dict[str, Any]]:
    """Each model in its group; one we do not know of stays where it is, at the end."""
    group_of = {name: group for group, names in _GROUPS.items() for name in names}
    entries = _pages(user) + [(app["app_label"], model) for app in apps for model in app["models"]]
    filled: dict[str, list[dict[str, Any]]] = {group: [] for group in _GROUPS}
    for group, entry in entries:
        filled.setdefault(group_of.get(entry["object_name"], group), []).append(entry)
    known = {app["app_label"]: app for app in apps}
    return [
        {
            **_app(group, models),
            **known.get(group, {}),
            "models": sorted(models, key=lambda entry: _place(group, entry)),
        }
        for group, models in filled.items()
        if models
    ]


def in_order(apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One app's models, as Django found them, in our order."""
    return [{**app, "models": sorted(app["models"], key=lambda model: _place(app["app_label"], model))} for app in apps]


def _pages(user: Any) -> list[tuple[str, dict[str, Any]]]:
    pages = (
        (_("Enrol a card"), "telemetry_unknown_cards", ENROL),
        (_("Could she?"), "telemetry_could_she", ASK),
        (_("State of the system"), "system", SYSTEM),
    )
    return [("fabomatic", _page(name, page)) for name, page, permissions in pages if user.has_perms(permissions)]


def _page(name: str, page: str) -> dict[str, Any]:
    url = reverse(f"admin:{page}")
    return {"name": name, "object_name": page, "admin_url": url, "add_url": None, "view_only": True, "perms": {}}


def _app(group: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    """One of which no model is registered."""
    names = {"members": _("Members"), "machines": _("Machines"), "telemetry": _("Telemetry"), "fabomatic": _("System")}
    url = models[0]["admin_url"]
    return {"name": names.get(group, group), "app_label": group, "app_url": url, "has_module_perms": True}


def _place(group: str, entry: dict[str, Any]) -> tuple[int, str]:
    order = _GROUPS.get(group, ())
    name = entry["object_name"]
    return (order.index(name) if name in order else len(order)), name
