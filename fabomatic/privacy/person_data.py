"""What is stored about a person, part by part; the names of others are left out.

A long history is read in pieces. `key` and the columns' names are what machines read: they stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from axes.models import AccessAttempt
from django.db.models import F, Field, Model, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fabomatic.models import Notice
from fabomatic.privacy.others import Others
from fabomatic.privacy.person_changes import about_them, by_them, naming_them
from fabomatic.privacy.sessions import sessions_of
from machines.models import Authorization, Intervention, Use
from members.exchange import jobs
from members.models import Agreement, Card, Change, Member
from telemetry.models import Screen, Tap

CHUNK = 500
Row = dict[str, Any]


class Kind(StrEnum):
    PLAIN = "plain"
    SECONDS = "seconds"  # for people hours and minutes
    THING = "thing"  # one of our kinds of things
    SENTENCES = "sentences"  # for people only
    DATA = "data"  # for machines only


@dataclass(frozen=True)
class Column:
    name: str
    label: str | Promise
    kind: Kind = Kind.PLAIN
    choices: tuple[tuple[Any, Any], ...] = ()


@dataclass(frozen=True)
class Part:
    key: str
    title: str | Promise
    columns: tuple[Column, ...]
    rows: Callable[[Member, datetime], Iterable[Row]]
    relations: tuple[str, ...] = ()  # fields by which something is this person's: the tests look for those left out


_SECONDS = {"duration": _("duration"), "reading": _("odometer")}


def _of(model: type[Model], *names: str, **labels: Any) -> tuple[Column, ...]:
    """Called as the model calls them; `labels` for what is no field of it."""
    fields = [model._meta.get_field(name) for name in names if name not in labels]
    columns = {field.name: _column(field) for field in fields}
    for name, label in labels.items():
        columns[name] = Column(name, label)
    return tuple(columns[name] for name in names)


def _column(field: Field[Any, Any] | Any) -> Column:
    if field.name in _SECONDS:
        return Column(field.name, _SECONDS[field.name], Kind.SECONDS)
    return Column(field.name, field.verbose_name, choices=tuple(field.flatchoices or ()))


def _values(rows: QuerySet[Any], columns: tuple[Column, ...], **elsewhere: Any) -> Iterator[Row]:
    here = [column.name for column in columns if column.name not in elsewhere]
    return rows.values(*here, **elsewhere).iterator(chunk_size=CHUNK)


def _written(rows: Iterator[Row], member: Member) -> Iterator[Row]:
    """What staff wrote may name others."""
    others = Others(member)
    for row in rows:
        yield {**row, **{name: others.left_out(row[name]) for name in ("note", "label") if row.get(name)}}


# ---- the person ------------------------------------------------------------------------------------------------------

SECRET = ("password",)  # only whether there is one
_PERSON = (
    *("id", "first_name", "last_name", "email", "role", "is_superuser", "is_active", "deactivated_at", "valid_until"),
    *("language", "wants_weekly_summary", "wants_maintenance_mail", "wants_silence_mail", "consent_at", "consent_to"),
    *("notes", "created_at", "last_login"),
)
PERSON = (
    *_of(Member, *_PERSON, id=_("number"), consent_to=_("consent to version")),
    Column("has_password", _("a password is stored")),
    Column("consent_text", _("text of the agreement")),
)


def person(member: Member) -> Row:
    row = {name: getattr(member, name) for name in _PERSON}
    agreement = member.consent_to
    return {
        **row,
        "notes": Others(member).left_out(member.notes),
        "role": member.role.name,
        "consent_to": agreement.version if agreement else None,
        "has_password": member.has_usable_password(),
        "consent_text": agreement.text if agreement else "",
    }


# ---- what is theirs --------------------------------------------------------------------------------------------------

_CARDS = _of(Card, "uid", "label", "is_lost", "created_at")
_MACHINE = {"machine_number": _("machine number"), "machine_name": _("machine")}
_MACHINE_NAMES = tuple(_MACHINE)
_AT_MACHINE: dict[str, Any] = {"machine_number": F("machine_id"), "machine_name": F("machine__name")}
_RIGHTS = (
    *_of(Authorization, *_MACHINE_NAMES, "valid_until", "granted_at", **_MACHINE),
    Column("granted_by_you", _("granted by you")),
    *_of(Authorization, "note"),
)
_GRANTED = _of(Authorization, *_MACHINE_NAMES, "valid_until", "granted_at", **_MACHINE)
_USES = _of(
    Use,
    *(*_MACHINE_NAMES, "card_uid", "started_at", "ended_at", "duration", "end_reason", "last_seen_at"),
    *("is_replay", "recorded_at", "note"),
    **_MACHINE,
)
_TAPS = _of(
    Tap,
    *("at", *_MACHINE_NAMES, "uid", "outcome", "level", "is_machine_blocked", "is_maintenance_due", "is_enrolled"),
    **_MACHINE,
)
_WORK = _of(
    Intervention,
    *("at", *_MACHINE_NAMES, "plan_description", "reading", "is_replay", "note"),
    **_MACHINE,
    plan_description=_("maintenance plan"),
)
_NOTICES = _of(Notice, "kind", "about", "created_at", "sent_at", "attempts", "trouble")
_SCREENS = _of(Screen, "name", "created_at", "revoked_at")
_AGREEMENTS = _of(Agreement, "version", "published_at")
_LOGINS = (Column("expires_at", _("ends")),)
_FAILURES = (
    Column("at", _("time")),
    Column("ip_address", _("address")),
    Column("failures", _("wrong passwords")),
)
_UPLOADS = (Column("file_name", _("file")),)
_CHANGES = (
    Column("at", _("time")),
    Column("thing", _("kind of thing"), Kind.THING),
    Column("number", _("number")),
    Column("what", _("what")),
    Column("kind", _("kind of change"), choices=tuple(Change.Kind.choices)),
    Column("by_you", _("by you")),
    Column("sentences", _("change"), Kind.SENTENCES),
    Column("details", _("change"), Kind.DATA),
)


def _cards(member: Member, now: datetime) -> Iterator[Row]:
    return _written(_values(Card.objects.filter(member=member).order_by("pk"), _CARDS), member)


def _rights(member: Member, now: datetime) -> Iterator[Row]:
    rows = Authorization.objects.filter(member=member).order_by("granted_at", "pk")
    for row in _written(_values(rows, _RIGHTS, **_AT_MACHINE, granted_by_you=F("granted_by")), member):
        yield {**row, "granted_by_you": row["granted_by_you"] == member.pk}


def _granted(member: Member, now: datetime) -> Iterator[Row]:
    rows = Authorization.objects.filter(granted_by=member).exclude(member=member).order_by("granted_at", "pk")
    return _values(rows, _GRANTED, **_AT_MACHINE)


def _theirs(member: Member, uid: str) -> Q:
    """What their cards did before anybody knew whose they are, too."""
    uids = list(Card.objects.filter(member=member).values_list("uid", flat=True))
    return Q(member=member) | Q(**{"member__isnull": True, f"{uid}__in": uids})


def _uses(member: Member, now: datetime) -> Iterator[Row]:
    rows = Use.objects.filter(_theirs(member, "card_uid")).order_by("started_at", "pk")
    return _written(_values(rows, _USES, **_AT_MACHINE), member)


def _taps(member: Member, now: datetime) -> Iterator[Row]:
    rows = Tap.objects.filter(_theirs(member, "uid")).order_by("at", "pk")
    return _values(rows, _TAPS, **_AT_MACHINE)


def _work(member: Member, now: datetime) -> Iterator[Row]:
    rows = Intervention.objects.filter(member=member).order_by("at", "pk")
    return _written(_values(rows, _WORK, **_AT_MACHINE, plan_description=F("plan__description")), member)


def _notices(member: Member, now: datetime) -> Iterator[Row]:
    return _values(Notice.objects.filter(member=member).order_by("pk"), _NOTICES)


def _screens(member: Member, now: datetime) -> Iterator[Row]:
    return _values(Screen.objects.filter(created_by=member).order_by("pk"), _SCREENS)


def _agreements(member: Member, now: datetime) -> Iterator[Row]:
    return _values(Agreement.objects.filter(published_by=member).order_by("pk"), _AGREEMENTS)


def _logins(member: Member, now: datetime) -> Iterator[Row]:
    return iter([{"expires_at": end} for end in sorted(end for _key, end in sessions_of(member.pk, now))])


def _failures(member: Member, now: datetime) -> Iterator[Row]:
    attempts = AccessAttempt.objects.filter(username=member.email or None).order_by("attempt_time")
    for at, address, count in attempts.values_list("attempt_time", "ip_address", "failures_since_start"):
        yield {"at": at, "ip_address": address, "failures": count}


def _uploads(member: Member, now: datetime) -> Iterator[Row]:
    return iter([{"file_name": name} for name in jobs.files_of(member.pk)])


PARTS: tuple[Part, ...] = (
    Part("cards", _("Cards"), _CARDS, _cards, ("members.Card.member",)),
    Part("authorizations", _("Authorizations"), _RIGHTS, _rights, ("machines.Authorization.member",)),
    Part("uses", _("Uses"), _USES, _uses, ("machines.Use.member",)),
    Part("taps", _("Taps"), _TAPS, _taps, ("telemetry.Tap.member", "telemetry.Tap.card")),
    Part("interventions", _("Interventions"), _WORK, _work, ("machines.Intervention.member",)),
    Part("changes_about_you", _("Changes about you"), _CHANGES, about_them),
    Part("changes_by_you", _("Changes made by you"), _CHANGES, by_them, ("members.Change.member",)),
    Part("changes_naming_you", _("Other changes that name you"), _CHANGES, naming_them),
    Part("notices", _("Mails"), _NOTICES, _notices, ("fabomatic.Notice.member",)),
    Part("granted", _("Authorizations you granted"), _GRANTED, _granted, ("machines.Authorization.granted_by",)),
    Part("screens", _("Screens you set up"), _SCREENS, _screens, ("telemetry.Screen.created_by",)),
    Part("agreements", _("Agreements you published"), _AGREEMENTS, _agreements, ("members.Agreement.published_by",)),
    Part("sessions", _("Where you are logged in"), _LOGINS, _logins),
    Part("failed_logins", _("Failed logins"), _FAILURES, _failures),
    Part("uploads", _("Files you uploaded for an import"), _UPLOADS, _uploads),
)
