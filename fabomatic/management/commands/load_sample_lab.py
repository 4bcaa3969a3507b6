"""Fills an empty database with an invented lab."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.sample_lab import FORTNIGHT, LONGEST, LabNotEmpty, SampleLab, load_sample_lab


class Command(BaseCommand):
    help = _("Fills an empty database with an invented lab to look around in.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help=_("another number, another lab"))
        parser.add_argument("--days", type=int, default=FORTNIGHT, help=_("how long its history is, up to 1100"))
        parser.add_argument("--cards-file", type=Path, help=_("where to list the cards, for simulate_boards"))
        parser.add_argument("--print-cards", action="store_true", help=_("list the cards"))

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= LONGEST:
            raise CommandError(_("The history lasts from 1 to %(days)d days.") % {"days": LONGEST})
        try:
            lab = load_sample_lab(timezone.now(), options["seed"], options["days"])
        except LabNotEmpty:
            raise CommandError(
                _("There are machines or members already: an invented lab goes into an empty database only.")
            ) from None
        if options["cards_file"]:
            options["cards_file"].write_text(card_list(lab), encoding="utf-8")
        if options["print_cards"]:
            self.stdout.write(card_list(lab), ending="")
        self.stdout.write(
            _("An invented lab: %(machines)d machines, %(members)d members, %(uses)d uses.")
            % {
                "machines": len(lab.machines),
                "members": len(lab.members) + len(lab.who_left),
                "uses": lab.earlier_uses + len(lab.uses),
            }
        )


def card_list(lab: SampleLab) -> str:
    return "".join(f"{card.uid}\n" for card in lab.cards)
