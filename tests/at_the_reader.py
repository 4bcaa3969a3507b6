"""Somebody enrols: what staff sees on the page of unknown cards, and what is tapped meanwhile."""

import html
import re
from datetime import timedelta
from typing import Any

from django.test import Client

from machines.access import Outcome
from machines.models import Machine
from members.models import Member
from telemetry.models import Tap
from tests.conftest import NOW, UNKNOWN_UID
from tests.staff import MEMBER_WORK, backend_role

PAGE = "/admin/telemetry/tap/unknown/"
LIVE = f"{PAGE}live/"
TAKE = f"{PAGE}take/"
OTHER_UID = "cafe0001"


def make_receptionist(make_member: Any) -> Member:
    """Everything about members, and no superuser."""
    return make_member("Rita", role=backend_role("Reception", *MEMBER_WORK, "view_tap", "view_machine"))


def tapped(machine: Machine, seconds: float, uid: str = UNKNOWN_UID, outcome: Outcome = Outcome.UNKNOWN_CARD) -> Tap:
    """So many seconds after NOW."""
    return Tap.objects.create(at=NOW + timedelta(seconds=seconds), machine=machine, uid=uid, outcome=outcome)


def start(client: Client, machine: Machine) -> None:
    assert client.post(PAGE, {"machine": machine.pk}).status_code == 302


def text_of(response: Any) -> str:
    assert response.status_code == 200, response
    return html.unescape(response.content.decode())


def shown(client: Client, url: str = PAGE) -> str:
    return text_of(client.get(url))


def window_of(text: str) -> str:
    """What is said of the half minute, without the list below it."""
    return text[text.index('<section class="window"') : text.index('class="unknown"')]


def offer(client: Client, to: str = "") -> str:
    """The address behind the button."""
    links = re.findall(rf'href="({TAKE}[^"]+)"', window_of(shown(client)))
    assert links, "nothing is offered"
    return next(link for link in links if link.endswith("to=member") == (to == "member"))
