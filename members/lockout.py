"""What django-axes does here: whoever gives wrong passwords again and again has to wait.

Five for one account from one address; four times as many from one address for whatever accounts, or for one account
from wherever, so that a wrong password at a neighbour's desk, or somebody far away, locks nobody out.
Its middleware is not used: it hands on wrong arguments where pages are served asynchronously (axes 8.3.1), and would
stand in the way of every request. `members/login.py` says on the page what it would have said.
"""

from __future__ import annotations

import logging
import threading
from ipaddress import IPv6Address, ip_address
from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from axes.signals import user_locked_out
from django.conf import settings
from django.db.models import QuerySet, Sum
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest

log = logging.getLogger(__name__)

SPREAD = 4
# One password is looked at at a time: of a hundred sent at once only five are, too.
turn = threading.Lock()


def is_locked_out(request: HttpRequest | None) -> bool:
    """Whether a password just given was refused for that, or was one too many."""
    return getattr(request, "axes_locked_out", False)


def account_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """As it is looked up, so that capitals and blanks make no other account."""
    given = (credentials or {}).get("username")
    return given.strip().lower()[:254] if given else None


def address_of(request: HttpRequest) -> str | None:
    """What the outermost of the lab's own proxies saw; what is left of that in the header anybody may invent."""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if 0 < settings.TRUSTED_PROXIES <= len(told) and (address := _readable(told[-settings.TRUSTED_PROXIES])):
        return address
    return _readable(request.META.get("REMOTE_ADDR") or "")


def _readable(address: str) -> str | None:
    """Of IPv6 the network: everybody has as many addresses in it as they like."""
    try:
        parsed = ip_address(_without_port(address.strip()).partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


def _without_port(address: str) -> str:
    """Some proxies add it: 192.0.2.1:443, [2001:db8::1]:443."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


class LockoutBackend(AxesStandaloneBackend):
    def authenticate(self, request: HttpRequest | None, *args: Any, **kwargs: Any) -> None:
        if request is not None:  # otherwise it is a command of whoever owns the computer
            super().authenticate(request, *args, **kwargs)


class LockoutHandler(AxesDatabaseHandler):
    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        # In the order of AXES_LOCKOUT_PARAMETERS.
        both, account, address = (_sum(attempts) for attempts in self.get_user_attempts(request, credentials))
        if request.axes_ip_address is None:  # a server behind a Unix socket that is not told of its proxy
            address = 0
        return max(both, account // SPREAD, address // SPREAD)

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        if request is None:
            return
        request.axes_user_agent = ""  # one row for an account and an address, whatever the browser calls itself
        super().user_login_failed(sender, credentials, request, **kwargs)

    def reset_user_attempts(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """A success forgives this account at this address: with one of their own nobody goes on guessing others'."""
        deleted: int = self.filter_user_attempts(request, credentials)[0].delete()[0]
        return deleted


def _sum(attempts: QuerySet[AccessAttempt]) -> int:
    return attempts.aggregate(failures=Sum("failures_since_start", default=0))["failures"]


@receiver(pre_save, sender=AccessAttempt)
def keep_nothing_that_was_sent(instance: AccessAttempt, **kwargs: Any) -> None:
    instance.get_data = instance.post_data = instance.http_accept = ""


@receiver(user_locked_out)
def say_so(request: Any, **kwargs: Any) -> None:
    if request.axes_failures_since_start is not None:  # once, and not for each that is refused from then on
        log.warning("Too many wrong passwords for one account or from one address: no more for a while.")
