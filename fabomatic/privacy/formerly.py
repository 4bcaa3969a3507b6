"""What somebody was called before: the log of changes knows, and texts written then say it."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils.translation import override

from fabomatic.privacy.words import STRUCK, Words
from members.models import Card, Change, Member

Values = dict[str, tuple[str, str]]  # old and new, by the name of the field


def words_of(member: Member, *, with_name: bool = True) -> Words:
    """All that tells who they are, and were; not `with_name`: somebody else is called the same."""
    names, emails = _formerly(member)
    uids = Card.objects.filter(member=member).values_list("uid", flat=True)
    first, last = (member.first_name, member.last_name) if with_name else ("", "")
    return Words(first, last, member.email, uids, former=names, former_emails=emails)


def _formerly(member: Member) -> tuple[set[str], set[str]]:
    """Whole names and addresses that are nobody else's now."""
    kind = ContentType.objects.get_for_model(Member)
    rows = Change.objects.filter(content_type=kind, object_id=str(member.pk)).order_by("pk")
    names: set[str] = set()
    emails: set[str] = set()
    fields = _fields()
    for called, details in rows.values_list("object_repr", "details").iterator(chunk_size=500):
        values = _values(details, fields)
        names |= {" ".join(name.split()) for name in (called, _before(called, values))}
        emails |= {address.strip().lower() for address in values.get("email", ())}
    present = {" ".join(member.get_full_name().split()), member.email or ""}
    former = {name for name in names - present if _is_whole(name)}
    addresses = {address for address in emails - present if "@" in address}
    return _nobody_elses_names(member, former), _nobody_elses_emails(member, addresses)


def _is_whole(name: str) -> bool:
    return " " in name and STRUCK not in name


def _fields() -> dict[str, str]:
    """By how they are called in the log, which begins them with a capital or not."""
    with override(None):
        return {
            str(Member._meta.get_field(name).verbose_name).casefold(): name  # type: ignore[union-attr]
            for name in ("first_name", "last_name", "email")
        }


def _values(details: object, fields: dict[str, str]) -> Values:
    """Of the member's own form: what was changed along with it, their cards, has a name of its own."""
    own = (
        [part for part in details if isinstance(part, dict) and "name" not in part] if isinstance(details, list) else []
    )
    entries = (entry for part in own for entry in part.get("values", ()))
    return {
        fields[entry["field"].casefold()]: (str(entry["old"] or ""), str(entry["new"] or ""))
        for entry in entries
        if entry["field"].casefold() in fields
    }


def _before(called: str, values: Values) -> str:
    """`called` is what they were called after this change."""
    old_first, first = values.get("first_name", ("", ""))
    old_last, last = values.get("last_name", ("", ""))
    if "first_name" not in values:
        old_first = called.removesuffix(last)
    if "last_name" not in values:
        old_last = called.removeprefix(first)
    return f"{old_first} {old_last}" if {"first_name", "last_name"} & values.keys() else called


def _nobody_elses_names(member: Member, names: set[str]) -> set[str]:
    asked = [
        Q(first_name__iexact=" ".join(words[:place]), last_name__iexact=" ".join(words[place:]))
        for words in (name.split() for name in names)
        for place in range(1, len(words))
    ]
    if not asked:
        return set()
    others = Member.objects.filter(reduce(or_, asked)).exclude(pk=member.pk)
    taken = {other.get_full_name().casefold() for other in others}
    return {name for name in names if name.casefold() not in taken}


def _nobody_elses_emails(member: Member, emails: set[str]) -> set[str]:
    others = Member.objects.filter(email__in=emails).exclude(pk=member.pk)
    return emails - set(others.values_list("email", flat=True))
