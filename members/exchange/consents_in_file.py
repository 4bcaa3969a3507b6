"""When somebody agreed to which version, as a file says it: the version by its number."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext

from members import consents
from members.exchange.importing import Importer, Row
from members.models import Agreement, Member


def versions_in(rows: Iterable[Row]) -> dict[int, Agreement]:
    named = {version for row in rows if (version := row.values.get("consent_to")) is not None}
    found = Agreement.objects.filter(version__in=named).defer("text") if named else ()
    return {agreement.version: agreement for agreement in found}


def understand(importer: Importer, row: Row, member: Member | None, agreements: dict[int, Agreement]) -> None:
    if (moment := row.values.get("consent_at")) is not None:
        is_same = member is not None and moment.holds(member.consent_at)  # files know no fractions of seconds
        row.values["consent_at"] = member.consent_at if is_same and member is not None else moment.at
    if (version := row.values.get("consent_to")) is not None:
        row.values["consent_to"] = agreements.get(version)
        if version not in agreements:
            text = gettext("There is no version %(version)d of the agreement.") % {"version": version}
            row.complain(importer.heading("consent_to"), text)


def check(importer: Importer, row: Row, after: Member) -> None:
    if not {"consent_at", "consent_to"} & set(row.values):
        return
    if trouble := consents.objection(after.consent_at, after.consent_to, timezone.now()):
        row.complain(importer.heading(trouble[0]), trouble[1])
