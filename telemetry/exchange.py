"""The access log as a file."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from machines.access import Outcome
from machines.models import Machine
from members.exchange.kinds import Choice, OneCard, Time, Words, YesNo
from members.exchange.people import column_of
from members.exchange.tables import Column, Table, register
from members.models import Member
from telemetry.models import Tap

TAPS = Table(
    Tap,
    (
        column_of(Tap, "at", Time()),
        Column(_("machine number"), "machine_id"),
        Column(Machine._meta.verbose_name, "machine__name"),
        column_of(Tap, "uid", OneCard(), personal=True),
        column_of(Tap, "member", Words(), personal=True),
        column_of(Member, "email", attribute="member__email", personal=True),
        column_of(Tap, "outcome", Choice(Outcome.choices())),
        column_of(Tap, "level"),
        column_of(Tap, "is_machine_blocked", YesNo()),
        column_of(Tap, "is_maintenance_due", YesNo()),
        column_of(Tap, "is_enrolled", YesNo()),
    ),
    related=("machine", "member"),
)
register(TAPS)
