"""Statements that Django builds once and runs many times.

Building an ORM query takes thirty times as long as SQLite takes to answer it (0.5 ms against 0.018), and it would be
built again at each tap. Django's own cursor takes another third, so it is used only where somebody watches the queries.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, QuerySet

# Values that no query holds by itself and every field lets through.
_STAND_IN_NUMBER = 2_000_000_011
_STAND_IN_TEXT = "fabfabfabfabfab"


class Prepared:
    """`Prepared(build, machine_id=int, uid=str)`: `build` takes these names and returns a `values_list` queryset."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **parameters: type) -> None:
        self._build = build
        self._stand_ins: dict[Any, str] = {}
        for position, (name, kind) in enumerate(parameters.items()):
            self._stand_ins[_STAND_IN_NUMBER + position if kind is int else f"{_STAND_IN_TEXT}{position}"] = name

    def rows(self, **values: Any) -> list[Any]:
        compiler, statement, places, converters = self._compiled
        rows = statement.run([values[given] if is_name else given for given, is_name in places]).fetchall()
        if converters and rows:
            return [tuple(row) for row in compiler.apply_converters(rows, converters)]
        return rows

    def first(self, **values: Any) -> Any:
        """The first row as a tuple, or None."""
        rows = self.rows(**values)
        return rows[0] if rows else None

    @cached_property
    def _compiled(self) -> tuple[Any, _Statement, list[tuple[Any, bool]], Any]:
        queryset = self._build(**{name: value for value, name in self._stand_ins.items()})
        compiler = queryset.query.get_compiler(connection=_database())
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        return compiler, _Statement(sql), [self._place(parameter) for parameter in parameters], converters

    def _place(self, parameter: Any) -> tuple[Any, bool]:
        if isinstance(parameter, int | str) and parameter in self._stand_ins:
            return self._stand_ins[parameter], True
        return parameter, False


class PreparedUpdate:
    """`UPDATE` of some fields of a row by its primary key; fields in `add` grow by what is given."""

    def __init__(self, model: type[Model], *fields: str, add: tuple[str, ...] = ()) -> None:
        self._model = model
        self._names = (*fields, *add)
        self._add = frozenset(add)

    def run(self, key: int, **values: Any) -> None:
        self._statement.run(self._parameters(key, values))

    def run_many(self, rows: Iterable[tuple[int, dict[str, Any]]]) -> None:
        self._statement.run_many([self._parameters(key, values) for key, values in rows])

    def _parameters(self, key: int, values: dict[str, Any]) -> list[Any]:
        return [*_prepared_values(self._fields, values), key]

    @cached_property
    def _fields(self) -> list[Field[Any, Any]]:
        return _fields_of(self._model, self._names)

    @cached_property
    def _statement(self) -> _Statement:
        quote, meta = _database().ops.quote_name, self._model._meta
        columns = []
        for field in self._fields:
            column = quote(field.column)
            columns.append(f"{column} = {column} + %s" if field.name in self._add else f"{column} = %s")
        key = quote(str(meta.pk.column))
        # Nothing but names of our own models.
        return _Statement(f"UPDATE {quote(meta.db_table)} SET {', '.join(columns)} WHERE {key} = %s")  # noqa: S608


class PreparedInsert:
    """`INSERT` of one row, its key given by the database."""

    def __init__(self, model: type[Model], *fields: str) -> None:
        self._model = model
        self._names = fields

    def run(self, **values: Any) -> None:
        self._statement.run(_prepared_values(self._fields, values))

    def run_many(self, rows: Iterable[dict[str, Any]]) -> None:
        self._statement.run_many([_prepared_values(self._fields, values) for values in rows])

    @cached_property
    def _fields(self) -> list[Field[Any, Any]]:
        return _fields_of(self._model, self._names)

    @cached_property
    def _statement(self) -> _Statement:
        quote = _database().ops.quote_name
        columns = ", ".join(quote(field.column) for field in self._fields)
        values = ", ".join("%s" for _ in self._fields)
        # Nothing but names of our own models.
        return _Statement(f"INSERT INTO {quote(self._model._meta.db_table)} ({columns}) VALUES ({values})")  # noqa: S608


class _Statement:
    """Text in the driver's own notation, run on the driver's own connection."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._driver_sql = sql.replace("%s", "?").replace("%%", "%") if _database().vendor == "sqlite" else sql

    def run(self, parameters: list[Any]) -> Any:
        database = _database()
        if database.queries_logged or database.execute_wrappers:
            cursor = database.cursor()
            cursor.execute(self._sql, parameters)
            return cursor
        if database.connection is None:
            database.ensure_connection()
        with database.wrap_database_errors:
            return database.connection.execute(self._driver_sql, parameters)

    def run_many(self, parameters: list[list[Any]]) -> None:
        with _database().cursor() as cursor:
            cursor.executemany(self._sql, parameters)


_own = threading.local()


def _database() -> BaseDatabaseWrapper:
    """This thread's connection; asking Django for it takes as long as a small query."""
    try:
        return cast("BaseDatabaseWrapper", _own.database)
    except AttributeError:
        _own.database = connections[DEFAULT_DB_ALIAS]
        return cast("BaseDatabaseWrapper", _own.database)


def _fields_of(model: type[Model], names: Iterable[str]) -> list[Field[Any, Any]]:
    return [cast("Field[Any, Any]", model._meta.get_field(name)) for name in names]


def _prepared_values(fields: list[Field[Any, Any]], values: dict[str, Any]) -> list[Any]:
    database = _database()
    return [field.get_db_prep_save(values[field.name], database) for field in fields]
