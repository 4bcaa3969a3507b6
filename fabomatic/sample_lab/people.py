"""Who comes to the invented lab, and their cards."""

from __future__ import annotations

from datetime import timedelta

from fabomatic.sample_data import PEOPLE, ROLES_OF
from fabomatic.sample_lab.ground import FORTNIGHT, Ground
from members.models import Card, Member, Role


def add_people(ground: Ground) -> None:
    roles = {role.name: role for role in Role.objects.all()}
    for number, (first_name, last_name) in enumerate(PEOPLE):
        came_at = ground.now - timedelta(days=_came_days_ago(ground, number))
        member = Member.objects.create_user(
            address_of(first_name, last_name) if number % 5 else None,
            first_name=first_name,
            last_name=last_name,
            role=roles[ROLES_OF.get(number, "Members")],
            is_active=number != 28,
            valid_until=ground.today - timedelta(days=20) if number in (26, 27) else None,
            consent_at=came_at,
            created_at=came_at,
            language="it" if number % 7 == 3 else "",
        )
        ground.lab.members.append(member)
        if number == 25:
            ground.add_card(member, is_lost=True, label="Lost in the tram")
        ground.add_card(member)


def _came_days_ago(ground: Ground, number: int) -> int:
    """In a long history some come after it began, one after the other."""
    if ground.days <= FORTNIGHT:
        return 400 - number
    is_from_the_start = number in ROLES_OF or number % 3
    return ground.days + 60 - number if is_from_the_start else 20 + (ground.days - 20) * (30 - number) // 30


def add_cards_of_administrators(ground: Ground) -> None:
    """Of those who are real: to start machines from afar with. The invented boards do not know them."""
    for member in Member.objects.filter(is_superuser=True, cards__isnull=True):
        Card.objects.create(uid=ground.new_uid(), member=member, label="Demo")


def address_of(first_name: str, last_name: str) -> str:
    return f"{_ascii(first_name)}.{_ascii(last_name)}@lab.invalid"


def _ascii(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isascii() and letter.isalpha())
