"""When nobody wants to be woken by a mail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` until before `end`, in the lab's time, across midnight where `end` comes first."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> QuietHours | None:
        """None where there are none; ValueError on what is no span of two times."""
        if not text.strip():
            return None
        found = _SPAN.fullmatch(text.strip())
        if found is None:
            raise ValueError(text)
        start_hour, start_minute, end_hour, end_minute = (int(part) for part in found.groups())
        return cls(time(start_hour, start_minute), time(end_hour, end_minute))

    def covers(self, moment: time) -> bool:
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end
