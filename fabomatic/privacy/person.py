"""Whom a command is about: by e-mail, by card in any notation, or by number."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from members.models import Member
from members.uids import from_decimal, normalise_uid

MOST_DIGITS = 18  # of a number that a database can hold


class NotOnePerson(Exception):
    """Nobody, or more than one; with a sentence for people."""


def find(who: str) -> Member:
    who = who.replace("\0", "").strip()
    found = list(_with(who).select_related("role").distinct().order_by("pk"))
    if not found:
        raise NotOnePerson(_("There is no member with the e-mail, card or number “%(who)s”.") % {"who": who})
    if len(found) > 1:
        numbers = ", ".join(f"#{member.pk}" for member in found)
        text = _("“%(who)s” is several members: %(numbers)s. Give the number, with its #.")
        raise NotOnePerson(text % {"who": who, "numbers": numbers})
    return found[0]


def _with(who: str) -> QuerySet[Member]:
    digits = who.removeprefix("#")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS
    if who.startswith("#"):
        return Member.objects.filter(pk=int(digits)) if is_number else Member.objects.none()
    uid = normalise_uid(who)
    found = Q(email=who.lower()) | Q(cards__uid__in={uid, *from_decimal(uid)} if uid else ())
    return Member.objects.filter(found | Q(pk=int(digits)) if is_number else found)
