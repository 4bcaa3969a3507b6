"""Reads settings from the environment; a wrong one becomes a problem to report, never a traceback."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import environ

HIDDEN = "•••"
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|KEY", re.IGNORECASE)
_ADDRESS = re.compile(r"^[a-z0-9+.-]+://", re.IGNORECASE)


def shown_value(name: str, value: str) -> str:
    """Without what must stay a secret: passwords, also those inside of addresses, and what may be one."""
    if _SECRET_NAME.search(name):
        return HIDDEN if value else ""
    value = value.strip()
    if not _ADDRESS.match(value):  # one that is written wrong may hold a password, too
        return HIDDEN if name.endswith("_URL") and "@" in value else value
    scheme, _separator, rest = value.partition("://")
    credentials, _separator, place = rest.rpartition("@")  # an unescaped password may hold an @, too
    if ":" in credentials:
        credentials = f"{credentials.partition(':')[0]}:{HIDDEN}"
    place, is_asked, _options = place.partition("?")
    shown = f"{credentials}@{place}" if credentials else place
    return f"{scheme}://{shown}{f'?{HIDDEN}' if is_asked else ''}"


@dataclass(frozen=True, slots=True)
class Problem:
    name: str
    message: str
    hint: str


class Source(StrEnum):
    OUTSIDE = "environment"
    DOTENV = ".env"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Known:
    """A setting as it was given, secrets and all: whoever shows it asks `shown_value`."""

    name: str
    value: str
    source: Source


@dataclass
class Environment:
    """Values by name; what cannot be used is replaced by its default and noted in `problems`."""

    dotenv: Path
    problems: list[Problem] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._env = environ.Env()
        self._outside = frozenset(os.environ)
        if self.dotenv.is_file():
            environ.Env.read_env(self.dotenv)

    def text(self, name: str, default: str, hint: str = "", is_valid: Callable[[str], bool] | None = None) -> str:
        value = self._read(name, default)
        if is_valid is not None and not is_valid(value):
            self._complain(name, hint)
            return default
        return value

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        return self.text(name, default, "One of: " + ", ".join(choices) + ".", lambda value: value in choices)

    def flag(self, name: str, default: bool) -> bool:
        known = {
            "true": True,
            "on": True,
            "yes": True,
            "1": True,
            "false": False,
            "off": False,
            "no": False,
            "0": False,
        }
        value = self._read(name, str(default)).strip().lower()
        if value not in known:
            self._complain(name, "True or False.")
        return known.get(value, default)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self._read(name, str(default)).strip()
        if not (value.isascii() and value.isdigit() and len(value) < 10 and low <= int(value) <= high):
            self._complain(name, f"A whole number from {low} to {high}.")
            return default
        return int(value)

    def items(self, name: str, default: list[str]) -> list[str]:
        return [item.strip() for item in self._read(name, ",".join(default)).split(",") if item.strip()]

    def parsed(self, name: str, default: str, parse: Callable[[str], Any], hint: str) -> Any:
        """`parse` raises ValueError (or what django-environ raises) on what it cannot read."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # django-environ would print the address, and the password in it
                return parse(self._read(name, default))
        except (ValueError, KeyError, environ.ImproperlyConfigured):
            self._complain(name, hint)
            return parse(default)

    def _read(self, name: str, default: str) -> str:
        value: str = self._env.str(name, default=default)
        is_given = Source.OUTSIDE if name in self._outside else Source.DOTENV
        self.known[name] = Known(name, value, is_given if name in os.environ else Source.DEFAULT)
        return value

    def _complain(self, name: str, hint: str) -> None:
        # The value is left out: it may be a secret.
        self.problems.append(Problem(name, f"{name} has a value that cannot be used.", hint))
