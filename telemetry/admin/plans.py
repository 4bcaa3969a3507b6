"""What the board makes of a maintenance plan's text."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from machines.admin.maintenance import MaintenancePlanAdmin
from machines.models import LCD_COLUMNS, MaintenancePlan
from telemetry.protocol import board_text


@admin.display(description=_("the board shows"))
def shown_by_board(self: MaintenancePlanAdmin, plan: MaintenancePlan) -> Any:
    return format_html("<code>{}</code>", board_text(plan.lcd_message or plan.description, LCD_COLUMNS) or "–")


MaintenancePlanAdmin.shown_by_board = shown_by_board  # type: ignore[attr-defined]
MaintenancePlanAdmin.readonly_fields.append("shown_by_board")
MaintenancePlanAdmin.fields.insert(MaintenancePlanAdmin.fields.index("lcd_message") + 1, "shown_by_board")
