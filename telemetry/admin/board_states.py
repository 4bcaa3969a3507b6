"""What is to say of a board beside what it tells itself: in conflict, replaced, silent, without a machine, behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import BooleanField, Case, CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.changes import sentences
from members.models import Change
from telemetry.boards import CLASH_WINDOW, at_work
from telemetry.firmware import behind
from telemetry.models import Board


def is_speaking(board: Board, now: datetime) -> bool:
    return abs(now - board.last_seen_at) < CLASH_WINDOW


def with_states(boards: QuerySet[Board]) -> QuerySet[Board]:
    """All by the query that reads the boards, but for one that compares the firmware of all."""
    later = Board.objects.filter(machine=OuterRef("machine"), last_seen_at__gt=OuterRef("last_seen_at"))
    log = Change.objects.filter(
        content_type=ContentType.objects.get_for_model(Board), object_id=Cast(OuterRef("pk"), CharField())
    )
    return boards.annotate(
        is_contested=Exists(Board.objects.filter(conflict_machine=OuterRef("machine"))) & ~Exists(later),
        is_replaced=Exists(later),
        successor=Subquery(later.order_by("-last_seen_at", "pk").values("serial")[:1]),
        is_behind=Case(When(pk__in=_behind(), then=True), default=False, output_field=BooleanField()),
        last_change=Case(
            When(machine__isnull=True, then=Subquery(log.order_by("-at", "-pk").values("details")[:1])),
            default=Value(None, Change._meta.get_field("details")),
        ),
    )


def _behind() -> list[int]:
    """A board in a drawer is nobody's business."""
    rows = list(Board.objects.order_by().values_list("pk", "firmware", "build", "machine_id", "last_seen_at"))
    working = at_work((pk, machine_id, seen_at) for pk, _firmware, _build, machine_id, seen_at in rows)
    late = behind((pk, firmware, build) for pk, firmware, build, _machine_id, _seen_at in rows)
    return sorted(late & working)


def sentences_about(board: Any, now: datetime) -> list[str]:
    """`board` comes from `with_states`."""
    return [sentence for sentence in (_conflict(board), _place(board), _silence(board, now)) if sentence]


def _conflict(board: Any) -> str:
    if board.conflict_machine is not None:
        return _("In conflict at %(machine)s.") % {"machine": board.conflict_machine}
    return _("Another board speaks for its machine, too.") if board.is_contested else ""


def _place(board: Any) -> str:
    if board.machine_id is None:
        told = (
            sentences(Change(kind=Change.Kind.CHANGED, details=board.last_change), sees_people=False)
            if board.last_change
            else []
        )
        return "; ".join([_("Without a machine."), *told])
    if not board.is_replaced or board.conflict_machine is not None:
        return ""
    return _("Replaced by %(board)s.") % {"board": board.successor or _("board without serial number")}


def _silence(board: Any, now: datetime) -> str:
    return "" if is_speaking(board, now) else _("Silent.")


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("conflict", gettext_lazy("in conflict")),
            ("behind", gettext_lazy("behind the newest firmware")),
            ("silent", gettext_lazy("silent")),
            ("replaced", gettext_lazy("replaced")),
            ("nowhere", gettext_lazy("without a machine")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        match self.value():
            case "conflict":
                return queryset.filter(Q(conflict_machine__isnull=False) | Q(is_contested=True))
            case "behind":
                return queryset.filter(is_behind=True)
            case "silent":
                return queryset.exclude(last_seen_at__range=(now - CLASH_WINDOW, now + CLASH_WINDOW))
            case "replaced":
                return queryset.filter(is_replaced=True)
            case "nowhere":
                return queryset.filter(machine__isnull=True)
            case _:
                return queryset
