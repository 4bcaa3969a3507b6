"""A board is silent for an hour: to those who enter the administration and asked for it, all of them in one mail.

Whether a board is silent only a worker can know that hears others meanwhile. While nobody at all is heard, the lab is
switched off (every evening, which is no news), or the broker or the worker is away: then one sentence is said, and
only when it came in the middle of somebody's use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.models import Notice
from fabomatic.notices.letters import MOST_LINES, Letter, in_a_subject, may_list, readers, settled
from machines.models import EndReason, Machine, Use
from members.mail import link_to
from members.models import Member
from telemetry.models import Downtime

SILENT = timedelta(hours=1)
IN_A_DRAWER = timedelta(days=7)
# Who is at work is heard every half minute, and written down within another one.
LISTENING = timedelta(minutes=3)
TOGETHER = timedelta(minutes=10)
OLD_NEWS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Silent:
    id: int
    machine: str
    location: str
    heard_at: datetime

    @property
    def name(self) -> str:
        return in_a_subject(self.machine, self.id)

    @property
    def url(self) -> str:
        return link_to("admin:machines_machine_change", self.id)


@dataclass(frozen=True, slots=True)
class _News:
    """What there is to tell, by the word that comes only once."""

    boards: dict[str, Silent]
    all_since: datetime | None = None

    @property
    def abouts(self) -> list[str]:
        return [f"all:{int(self.all_since.timestamp())}"] if self.all_since is not None else list(self.boards)


def silence_letters(now: datetime) -> Iterator[Letter]:
    if not settings.MAIL_SILENT_BOARDS:
        return
    members = readers(role__is_backend_admin=True, wants_silence_mail=True)
    people = list(members.filter(may_list("machines.machine")))
    news = _news(now) if people else _News({})
    if not news.abouts:
        return
    told = settled(Notice.Kind.SILENCE, [member.pk for member in people], news.abouts)
    for member in people:
        abouts = tuple(about for about in news.abouts if (member.pk, about) not in told)
        if abouts:
            yield _letter(member, abouts, news)


def _letter(member: Member, abouts: tuple[str, ...], news: _News) -> Letter:
    boards = [news.boards[about] for about in abouts if about in news.boards]
    context = {
        "all_since": news.all_since,
        "boards": boards[:MOST_LINES],
        "more": max(0, len(boards) - MOST_LINES),
        "count": len(boards),
        "list_url": f"{link_to('admin:machines_machine_changelist')}?silent=yes",
    }
    return Letter(Notice.Kind.SILENCE, member, abouts, _lazy_subject(boards), "silence", context)


def _subject(boards: list[Silent]) -> str:
    if not boards:
        return _("All boards are silent")
    if len(boards) == 1:
        return _("A board is silent: %(machine)s") % {"machine": boards[0].name}
    count = len(boards)
    return ngettext("%(count)d board is silent", "%(count)d boards are silent", count) % {"count": count}


_lazy_subject = lazy(_subject, str)


# ---- what is so ------------------------------------------------------------------------------------------------------


def _news(now: datetime) -> _News:
    rows = Machine.objects.filter(last_seen_at__gt=now - IN_A_DRAWER).order_by("-last_seen_at", "id")
    fields = rows.values_list("id", "name", "location", "last_seen_at")
    heard = [Silent(number, name, location, at) for number, name, location, at in fields if at is not None]
    if not heard:
        return _News({})
    latest = heard[0].heard_at
    if now - latest < LISTENING:
        return _News(_silent_boards(heard, now))
    is_news = SILENT <= now - latest < OLD_NEWS and _came_in_the_middle(heard, latest)
    return _News({}, latest if is_news else None)


def _silent_boards(heard: list[Silent], now: datetime) -> dict[str, Silent]:
    """As the worker noted; not those that came back, or are being used, or come back together with others just now."""
    machines = {machine.id: machine for machine in heard if now - machine.heard_at >= SILENT}
    began = {
        machine_id: started_at
        for machine_id, started_at in _downtimes(machines).filter(ended_at__isnull=True).values_list(*_DOWN)
        if SILENT <= now - started_at < IN_A_DRAWER
    }
    if not began:
        return {}
    running = Use.objects.filter(machine_id__in=began, ended_at__isnull=True).order_by()
    in_use = set(running.values_list("machine_id", flat=True))
    back = [
        started_at
        for _machine_id, started_at in _downtimes({machine.id: machine for machine in heard})
        .filter(ended_at__gt=now - TOGETHER)
        .values_list(*_DOWN)
    ]
    return {
        f"{machine_id}:{int(at.timestamp())}": machines[machine_id]
        for machine_id, at in began.items()
        if machine_id not in in_use and not any(abs(at - other) < TOGETHER for other in back)
    }


_DOWN = ("machine_id", "started_at")


def _downtimes(machines: dict[int, Silent]) -> QuerySet[Downtime]:
    return Downtime.objects.filter(machine_id__in=machines, kind=Downtime.Kind.OFFLINE).order_by("-started_at", "pk")


def _came_in_the_middle(heard: list[Silent], latest: datetime) -> bool:
    """Who closes the lab in the evening ends their use before."""
    lives = latest - TOGETHER
    if Use.objects.filter(ended_at__isnull=True, last_seen_at__gt=lives).exists():
        return True
    machines = [machine.id for machine in heard]
    lost = Use.objects.filter(machine_id__in=machines, ended_at__gt=lives, end_reason=EndReason.LOST)
    return lost.exists()
