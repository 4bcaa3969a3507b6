"""Rows that say by e-mail or card who is meant, and by its number which machine."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext

from machines.models import Machine
from members.exchange.importing import Importer, Row
from members.models import Card, Member


class WhoseImport(Importer):
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("machine",), ("email", "card"))

    def look_up(self, rows: list[Row]) -> None:
        emails = {email.lower() for row in rows if (email := row.values.get("email"))}
        self.by_email = {member.email: member for member in Member.objects.filter(email__in=emails)}
        uids = {uid for row in rows if (uid := row.values.get("card"))}
        self.by_card = {card.uid: card.member for card in Card.objects.select_related("member").filter(uid__in=uids)}
        numbers = {number for row in rows if (number := row.values.get("machine")) is not None}
        self.machines = Machine.objects.in_bulk([number for number in numbers if 0 < number < 2**31])

    def find_machine(self, row: Row) -> Machine | None:
        number = row.values.get("machine")
        machine = self.machines.get(number)
        if machine is None and not any(column == self.heading("machine") for column, _sentence in row.errors):
            text = gettext("There is no machine %(number)s.") % {"number": number}
            row.complain(
                self.heading("machine"), text if number is not None else gettext("Write the machine's number.")
            )
        return machine

    def find_member(self, row: Row) -> Member | None:
        """Complains where they are unknown, or two."""
        email, uid = row.values.get("email"), row.values.get("card")
        by_email = self.by_email.get(email.lower()) if email else None
        by_card = self.by_card.get(uid) if uid else None
        if email and by_email is None:
            row.complain(self.heading("email"), gettext("Nobody here has this e-mail."))
        elif uid and by_card is None and by_email is None:
            row.complain(self.heading("card"), gettext("This card belongs to nobody here."))
        elif by_email is not None and by_card is not None and by_email != by_card:
            names = f"{by_email}, {by_card}"
            text = gettext("The e-mail and the cards belong to different people: %(names)s.") % {"names": names}
            row.complain("", text)
        elif not email and not uid and not row.errors:
            row.complain("", gettext("Write an e-mail or a card."))
        return by_email or by_card
