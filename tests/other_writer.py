"""Somebody else at the same SQLite file: the worker, as far as the database knows."""

import sqlite3
from contextlib import contextmanager

import pytest
from django.db import connection

needs_a_file = pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has one lock for all")


@contextmanager
def somebody_else():
    other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)
    try:
        yield other
    finally:
        other.close()


def can_write(other):
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    other.execute("ROLLBACK")
    return True
