"""What browsers are told to refuse, on every page, and that no page needs what is refused."""

import asyncio
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from fabomatic.backups import making
from fabomatic.middleware import security_headers
from machines.models import Authorization, Intervention, Machine, MachineType, MaintenancePlan, Use
from members import agreements
from members.models import Agreement, Card, Change, Member, Role
from telemetry.models import Board, Screen, Tap
from tests.conftest import NOW
from tests.staff import client_of, page

pytestmark = pytest.mark.django_db
POLICY = "Content-Security-Policy"


def directives(response) -> dict[str, str]:
    return dict(part.split(maxsplit=1) for part in response[POLICY].split(";"))


def answer(request, response=None):
    return security_headers(lambda _request: response or HttpResponse())(request)


# ---- what is sent ----------------------------------------------------------------------------------------------------


def test_nothing_comes_from_elsewhere_and_nothing_stands_in_the_page(client):
    policy = directives(client.get("/"))
    assert policy.pop("connect-src") == "'self' ws://testserver"
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


@pytest.mark.parametrize("path", ["/", "/nowhere", "/admin/login/", "/static/telemetry/icon.svg", "/screen/"])
def test_every_answer_has_it(client, path):
    response = client.get(path)
    assert POLICY in response
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in response["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/nowhere", "/admin/login/", "/screen/"])
def test_no_page_is_framed_or_tells_others_where_somebody_was(client, path):
    """Not no-referrer, not even where secrets are: browsers then send forms with `Origin: null`, which is refused."""
    response = client.get(path)
    assert (response["X-Frame-Options"], response["Referrer-Policy"]) == ("DENY", "same-origin")


def test_an_asynchronous_server_sends_it_too():
    assert POLICY in asyncio.run(AsyncClient().get("/nowhere"))


def test_sockets_are_allowed_where_the_page_came_from(settings):
    settings.ALLOWED_HOSTS = ["lab.local"]
    request = RequestFactory().get("/", headers={"host": "lab.local:8000"})
    assert "connect-src 'self' ws://lab.local:8000;" in answer(request)[POLICY]
    request = RequestFactory().get("/", headers={"host": "lab.local"}, secure=True)
    assert "connect-src 'self' wss://lab.local;" in answer(request)[POLICY]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "lab.local; script-src *", "lab.local 'unsafe-inline'", "lab.local\r\nX: 1", "", "[::1]:80"],
)
def test_a_host_that_is_none_of_ours_is_not_repeated(settings, host):
    settings.ALLOWED_HOSTS = ["lab.local", "[::1]"]
    assert "connect-src 'self';" in answer(RequestFactory().get("/", headers={"host": host}))[POLICY]


def test_a_page_may_have_a_policy_of_its_own():
    response = HttpResponse(headers={POLICY: "default-src 'self'"})
    assert answer(RequestFactory().get("/"), response)[POLICY] == "default-src 'self'"


@pytest.mark.parametrize(("status", "has_policy"), [(200, True), (404, False), (500, False)])
def test_only_django_s_pages_for_developers_go_without(settings, status, has_policy):
    settings.DEBUG = True
    assert (POLICY in answer(RequestFactory().get("/"), HttpResponse(status=status))) is has_policy


def test_the_session_is_no_business_of_scripts_and_other_sites(client, dora):
    response = client.post("/admin/login/", {"username": "dora@example.org", "password": "dora-knows-it"})
    cookie = response.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_form_without_a_token_is_answered_in_the_sites_style():
    response = Client(enforce_csrf_checks=True).post("/screen/", {"code": "x"})
    assert response.status_code == 403
    assert "fabomatic.css" in response.content.decode()


# ---- what pages are made of ------------------------------------------------------------------------------------------


class Refused(HTMLParser):
    """What a browser would not run or load."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        is_data = given.get("type") == "application/json"
        if tag == "style" or (tag == "script" and "src" not in given and not is_data) or tag in ("base", "iframe"):
            self.found.append(f"<{tag}>")
        for name, value in attributes:
            link = (value or "").strip().lower()
            if name == "style" or name.startswith("on") or link.startswith("javascript:"):
                self.found.append(f'{tag} {name}="{value}"')
            is_from_here = link.startswith(("/", "data:")) and not link.startswith("//")
            if tag in ("script", "link", "img") and name in ("src", "href") and not is_from_here:
                self.found.append(f'{tag} {name}="{value}"')


def refused_in(response) -> list[str]:
    assert response.status_code == 200, response
    parser = Refused()
    parser.feed(response.content.decode())
    return parser.found


@pytest.fixture
def lab(laser, ada, dora, make_plan, make_use):
    """One of everything that the administration shows."""
    plan = make_plan(laser)
    Intervention.objects.create(plan=plan, machine=laser, member=ada, at=NOW, reading=0)
    make_use(laser, member=ada)
    Board.objects.create(serial="A1", machine=laser, last_seen_at=NOW)
    Tap.objects.create(at=NOW, machine=laser, uid=ada.uid, member=ada, outcome="granted", level=1)
    Screen.objects.create(name="Workshop")
    agreements.publish("# Rules\n- Sweep.", dora, NOW)
    return client_of(dora)


MODELS = (
    Agreement,
    Authorization,
    Board,
    Card,
    Intervention,
    Machine,
    MachineType,
    MaintenancePlan,
    Member,
    Role,
    Screen,
    Tap,
    Use,
)


@pytest.mark.parametrize("model", MODELS)
def test_the_administration_needs_nothing_that_is_refused(lab, model):
    row = model.objects.first()
    pages = [page(model, "changelist"), page(model, "add")]
    pages += [page(model, kind, row.pk) for kind in ("change", "history", "delete")]
    answers = {url: lab.get(url) for url in pages}
    shown = {url: response for url, response in answers.items() if response.status_code == 200}
    assert len(shown) >= 3
    assert {url: found for url, response in shown.items() if (found := refused_in(response))} == {}


def test_no_model_of_the_administration_is_forgotten():
    only_read = {Change}  # tests/test_admin_pages.py looks at it
    assert set(admin.site._registry) == {*MODELS, *only_read}


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/password_change/", "/?kiosk", "/", "/screen/", "/agreement/", "/admin/system/"]
)
def test_no_other_page_does_either(lab, path):
    assert refused_in(lab.get(path)) == []


@pytest.mark.django_db(transaction=True)
def test_neither_does_the_way_to_a_restored_backup(lab):
    place = f"/admin/system/backups/{making.make(NOW).path.name}/"
    answers = [lab.get(place), lab.post(place), lab.post(place, {"word": "RESTORE"})]
    assert [refused_in(response) for response in answers] == [[], [], []]


def test_neither_does_what_asks_before_it_does_something(lab):
    for model, action in ((Member, "delete_selected"), (Machine, "delete_selected"), (Screen, "revoke_selected")):
        chosen = {"action": action, "_selected_action": [model.objects.first().pk]}
        assert refused_in(lab.post(page(model, "changelist"), chosen)) == []


def test_what_is_refused_is_found():
    """This file would be worthless otherwise."""
    parser = Refused()
    parser.feed(
        '<script>1</script><style></style><p style="a" onclick="b"><a href="javascript:1"><img src="//a.b/c">'
        '<script type="application/json">1</script><script src="/static/a.js"></script>'
    )
    assert len(parser.found) == 6
