from typing import Any

from django.db.models import Func, IntegerField


class SecondsBetween(Func):
    """Seconds from the first time to the second, in each database's own words."""

    output_field = IntegerField()
    arity = 2

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self._pair(compiler, "CAST(ROUND((julianday({end}) - julianday({start})) * 86400) AS INTEGER)")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self._pair(compiler, "EXTRACT(EPOCH FROM (({end})::timestamptz - ({start})::timestamptz))")

    def _pair(self, compiler: Any, template: str) -> Any:
        start, end = self.get_source_expressions()
        start_sql, start_params = compiler.compile(start)
        end_sql, end_params = compiler.compile(end)
        return template.format(start=start_sql, end=end_sql), [*end_params, *start_params]
