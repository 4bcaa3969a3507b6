import shutil

import pytest

from tests.broker import lab


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("seed") / "seed.sqlite3"
    lab.seed(path)
    return path


@pytest.fixture
def database(seeded_file, tmp_path):
    path = tmp_path / "lab.sqlite3"
    shutil.copy(seeded_file, path)
    return lab.Database(path)


@pytest.fixture
def broker(tmp_path):
    broker = lab.Broker(tmp_path).start()
    yield broker
    broker.end()


@pytest.fixture
def start_worker(tmp_path, database):
    """`start_worker(broker)`, and again in the same test; all end with it."""
    started = []

    def start(broker, *arguments, **options):
        options.setdefault("name", f"worker-{len(started)}")
        url = options.pop("url", broker.url)
        worker = lab.Worker(tmp_path, database.path, url, *arguments, **options).start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.end()


@pytest.fixture
def connect(broker):
    """`connect(Boards)` or `connect(Client, "stats/#")`; closed after the test."""
    connected = []

    def make(kind, *topics, to=broker, **credentials):
        connected.append(kind(to, *topics, **credentials))
        return connected[-1]

    yield make
    for client in connected:
        client.close()


@pytest.fixture
def boards(connect):
    return connect(lab.Boards)


@pytest.fixture
def worker(start_worker, broker, boards):
    """Running, and answering."""
    started = start_worker(broker)
    boards.wait_for_worker()
    return started
