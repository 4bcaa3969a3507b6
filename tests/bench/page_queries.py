"""How many queries the dashboard takes, in a process of its own: `DATABASE_URL` names the database.

`python -m tests.bench.page_queries` prints one JSON object.
"""

from __future__ import annotations

import json

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402


def main() -> None:
    visitor = Client(SERVER_NAME="127.0.0.1")
    queries = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            page = visitor.get("/")
        queries.append(len(captured))
    print(json.dumps({"machines": page.content.count(b'class="machine '), "queries": max(queries)}))


if __name__ == "__main__":
    main()
