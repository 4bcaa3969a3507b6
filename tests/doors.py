"""The words of tests about getting in."""

import re
from typing import Any

from django.core import mail
from django.test import Client
from django.urls import reverse

LOGIN = "/admin/login/"


def log_in(client: Client, email: str, password: str, next_page: str = "/admin/", **extra: Any) -> Any:
    return client.post(LOGIN, {"username": email, "password": password, "next": next_page}, **extra)


def is_logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def complaints_of(response: Any) -> list[str]:
    return [str(error) for errors in response.context["form"].errors.values() for error in errors]


def link_in(message: Any) -> str:
    """The path of the link, as it would be opened."""
    (link,) = set(re.findall(r"https?://\S+/(?:password|invitation)/\S+", message.body))
    return re.sub(r"^https?://[^/]+", "", link)


def asked_for_link(client: Client, email: str, **extra: Any) -> Any:
    return client.post(reverse("password_reset"), {"email": email}, **extra)


def opened(client: Client, path: str) -> Any:
    """The page behind a link of a mail, after the redirect that takes the token out of the address."""
    return client.get(path, follow=True)


def chosen(client: Client, path: str, password: str, again: str | None = None) -> Any:
    page = opened(client, path)
    data = {"new_password1": password, "new_password2": password if again is None else again}
    return client.post(page.request["PATH_INFO"], data)


def only_mail() -> Any:
    (message,) = mail.outbox
    return message
