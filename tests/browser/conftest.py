import pytest

from tests.broker.lab import MOSQUITTO
from tests.browser import chromium, lab
from tests.browser.at_the_phone import PHONE

MISSING = [
    name
    for name, path in (("chromium", chromium.CHROMIUM), ("chromedriver", chromium.DRIVER), ("mosquitto", MOSQUITTO))
    if path is None
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if MISSING:
                item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(MISSING)}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    running = getattr(item, "funcargs", {}).get("the_lab")
    if report.failed and running and report.when != "teardown":
        report.sections += [(f"End of {name}", text) for name, text in running.last_words()]
    return report


@pytest.fixture(scope="session")
def started_chromium(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            environment.delenv(name, raising=False)
            environment.delenv(name.upper(), raising=False)
        environment.setenv("SE_OFFLINE", "true")
        with chromium.running(tmp_path_factory.mktemp("chromium")) as driver_and_contexts:
            yield driver_and_contexts


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("seed") / "seed.sqlite3"
    lab.seed(path)
    return path


@pytest.fixture(scope="session")
def static_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    lab.collect_static(folder)
    return folder


@pytest.fixture(scope="module")
def web_settings():
    """A module's own, over a public dashboard."""
    return {}


@pytest.fixture(scope="module")
def the_lab(tmp_path_factory, seeded_file, static_files, web_settings):
    with lab.Lab(tmp_path_factory.mktemp("lab"), seeded_file, static_files, web_settings) as running:
        yield running


@pytest.fixture
def browser(started_chromium, the_lab):
    """At the end no console has complained, except of what the test said it `expects`, and no server has failed."""
    tracebacks = the_lab.tracebacks()
    browser = chromium.Browser(*started_chromium, the_lab.web.url)
    yield browser
    complaints = browser.complaints()
    browser.close()
    assert not complaints
    assert the_lab.tracebacks() == tracebacks


@pytest.fixture(scope="module")
def staff(the_lab):
    return the_lab.web.person(lab.DORA)


@pytest.fixture
def phone(browser, staff):
    """Dora's, in Italian, at the administration's home."""
    return browser.open("/admin/", person=staff, size=PHONE, language="it")
