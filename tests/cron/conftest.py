"""A cron of the tests' own, and a lab whose jobs it starts: a copy of the sources with its own `.env` and database."""

import pytest

from tests.cron import daemon
from tests.cron.lab import LabCopy


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return LabCopy.make(tmp_path_factory.mktemp("cron") / "Ada's lab #1")


@pytest.fixture(scope="module")
def cron(tmp_path_factory):
    with daemon.running(tmp_path_factory.mktemp("daemon")) as cron:
        yield cron
