"""Asks for every list of the admin in every way that its links offer, and for the pages behind them.

In a process of its own: `DATABASE_URL` names the database. `python -m tests.bench.admin_pages [ROUNDS [PART OF NAME]]`
prints one JSON object: `pages`, each with its name, its queries and its milliseconds on the server.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabomatic.settings")
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.admin.templatetags.admin_list import result_headers  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import (  # noqa: E402
    CaptureQueriesContext,
    setup_test_environment,
    teardown_test_environment,
)
from django.urls import reverse  # noqa: E402

from members.models import Card, Member  # noqa: E402
from tests.bench.office import BOSS  # noqa: E402

WORDS = {
    "a name": "Ada Lovelace",
    "a rare name": "Munari 1123",
    "a machine": "Laser 123",
    "a letter": "e",
    "nothing": "zzz",
}


class Page(NamedTuple):
    name: str
    queries: int
    milliseconds: float
    processor: float  # of these, where nothing else runs they are the same
    url: str


def lists(client: Client) -> Iterator[tuple[str, str]]:
    """Names and addresses: which filters, columns and pages there are, each list says itself."""
    for model_admin in admin.site._registry.values():
        opts = model_admin.opts
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        name = opts.model_name
        changelist = client.get(url).context["cl"]
        yield name, url
        yield from _filters(name, url, changelist)
        for column, header in enumerate(result_headers(changelist)):  # the first one holds the boxes of the actions
            if header.get("sortable"):
                yield f"{name}, by {header['text']}", f"{url}?o={column}"
                yield f"{name}, by {header['text']}, down", f"{url}?o=-{column}"
        if changelist.search_fields:
            yield from ((f"{name}, q={what}", f"{url}?q={word}") for what, word in _words().items())
        if changelist.multi_page:
            yield f"{name}, page 2", f"{url}?p=2"
            yield f"{name}, last page", f"{url}?p={changelist.paginator.num_pages}"


def _filters(name: str, url: str, changelist: Any) -> Iterator[tuple[str, str]]:
    card, person = _words()["a card"], _some(Member).pk
    for spec in changelist.filter_specs:
        for choice in spec.choices(changelist):
            if not choice["selected"]:
                yield f"{name}, {spec.title}: {choice['display']}", url + choice["query_string"]
        for value, text in getattr(spec, "options", [])[:2] + getattr(spec, "options", [])[-1:]:
            yield f"{name}, {spec.title}: {text}", f"{url}?{spec.exact_name}={value}"
        if hasattr(spec, "like_name"):
            yield f"{name}, {spec.title}: one", f"{url}?{spec.exact_name}={person}"
            for text in ("Lovelace", "ada", "e", card, "zzz"):
                yield f"{name}, {spec.title} like {text}", f"{url}?{spec.like_name}={text}"
        if hasattr(spec, "from_name"):
            yield f"{name}, {spec.title}: until 2010", f"{url}?{spec.to_name}=2010-01-01"


def _words() -> dict[str, str]:
    card = _some(Card).uid
    return {**WORDS, "a card": card, "part of a card": card[:5]}


def _some(model: Any) -> Any:
    return model.objects.order_by("pk")[model.objects.count() // 4]


def behind_them() -> Iterator[tuple[str, str]]:
    """One thing of each kind, one that has a history: read, changed, deleted; and what is typed to find it."""
    yield "home", reverse("admin:index")
    for model, model_admin in admin.site._registry.items():
        opts = model_admin.opts
        prefix = f"admin:{opts.app_label}_{opts.model_name}"
        some: Any = model._default_manager.order_by("pk")
        thing = some[some[:11].count() - 1] if some.exists() else None
        if thing is not None:
            for kind in ("change", "delete", "history"):
                yield f"{opts.model_name}, {kind} one", reverse(f"{prefix}_{kind}", args=[thing.pk])
        yield f"{opts.model_name}, add", reverse(f"{prefix}_add")
    for model, model_admin in admin.site._registry.items():
        opts = model._meta
        for field in model_admin.autocomplete_fields:
            where = f"app_label={opts.app_label}&model_name={opts.model_name}&field_name={field}"
            for term in ("", "e", "Lovelace 11"):
                url = f"{reverse('admin:autocomplete')}?{where}&term={term}"
                yield f"{opts.model_name}, type “{term}” for {field}", url


def measure(client: Client, name: str, url: str, rounds: int) -> Page | None:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    queries = len(captured)  # the next request forgets them
    if response.status_code in (403, 404):
        return None
    if response.status_code != 200:
        raise SystemExit(f"{response.status_code} for {url}")
    times, spent = [], []
    for _ in range(rounds):
        begun, spending = perf_counter(), process_time()
        client.get(url)
        times.append(perf_counter() - begun)
        spent.append(process_time() - spending)
    return Page(name, queries, median(times) * 1e3, median(spent) * 1e3, url)


def main(rounds: str = "3", part: str = "") -> None:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Member.objects.get(email=BOSS))
    setup_test_environment()  # tells what a template was given, which takes time
    asked = [item for item in [*lists(client), *behind_them()] if part in item[0]]
    teardown_test_environment()
    pages = [measure(client, name, url, int(rounds)) for name, url in asked]
    print(json.dumps({"pages": [page for page in pages if page is not None]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
