"""Words for tests in which somebody works on the list of members, and looks at what is stored afterwards."""

from typing import Any

from django.test import Client
from django.urls import reverse

from members.models import Card, Member

LIST = "admin:members_member_changelist"


def act(client: Client, action: str, *members: Member, **fields: Any) -> Any:
    """As the list's bar of actions sends it; `sure="yes"` as the page that asks does."""
    chosen = [member.pk for member in members]
    return client.post(reverse(LIST), {"action": action, "_selected_action": chosen, **fields})


def told(client: Client) -> list[str]:
    """The messages that wait for the next page."""
    return [str(message) for message in client.get(reverse(LIST)).context["messages"]]


def as_stored(member: Member) -> dict[str, Any]:
    return Member.objects.filter(pk=member.pk).values().get()


def cards_of(member: Member) -> list[dict[str, Any]]:
    return list(Card.objects.filter(member=member).order_by("pk").values())
