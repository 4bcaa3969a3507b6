"""What nobody waits for, done by one thread of the web process, in turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import Full, Queue

from django.db import connections

log = logging.getLogger(__name__)

Job = Callable[[], None]


class Background:
    """Never more than `room` jobs wait; what finds no room is dropped, and the log says so.

    Nothing begins until `delay` seconds have passed: by then the page that asked for it is answered, and how long that
    took says nothing about what there was to do.
    """

    def __init__(self, room: int = 100, delay: float = 0) -> None:
        self._jobs: Queue[tuple[float, Job]] = Queue(room)
        self._delay = delay
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def do(self, job: Job) -> None:
        try:
            self._jobs.put_nowait((time.monotonic() + self._delay, job))
        except Full:
            log.warning("Too much waits to be done in the background; something was dropped.")
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="background", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Until everything asked for so far is done."""
        self._jobs.join()

    def _work(self) -> None:
        while True:
            due, job = self._jobs.get()
            try:
                time.sleep(max(0, due - time.monotonic()))
                do_quietly(job)
            finally:
                connections.close_all()
                self._jobs.task_done()


def do_quietly(job: Job) -> None:
    """Only the kind of error is logged: its words may hold addresses."""
    try:
        job()
    except Exception as error:
        log.error("What was to be done in the background failed: %s", type(error).__name__)


background = Background(delay=0.3)
