"""Sentences are marked for translators by names that xgettext knows: marked otherwise, they stay English unnoticed."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    path.relative_to(ROOT)
    for app in ("fabomatic", "members", "machines", "telemetry")
    for path in (ROOT / app).rglob("*.py")
]


def aliases(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            yield from (name.asname for name in node.names if name.asname and "gettext" in name.name)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_nothing_is_marked_by_a_name_that_is_not_looked_for(path):
    assert set(aliases((ROOT / path).read_text())) <= {"_"}


def test_an_alias_is_found():
    assert list(aliases("from django.utils.translation import gettext as _now")) == ["_now"]
