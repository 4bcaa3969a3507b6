"""Which language somebody reads: their own, else what they chose here, else the browser's, else the lab's."""

import pytest

from tests.staff import client_of

pytestmark = pytest.mark.django_db
ENGLISH, ITALIAN = '<html lang="en', '<html lang="it'


def reads(client, path="/admin/", **headers):
    page = client.get(path, headers={"accept-language": "en", **headers}).content.decode()
    return next(language for language in (ENGLISH, ITALIAN) if language in page)


def choose(client, language):
    return client.post("/i18n/setlang/", {"language": language, "next": "/admin/"})


def test_the_members_own_language_wins_over_the_browsers(dora):
    dora.language = "it"
    dora.save()
    assert reads(client_of(dora)) == ITALIAN


def test_without_one_of_their_own_the_browser_is_asked(dora):
    client = client_of(dora)
    assert reads(client) == ENGLISH
    assert reads(client, **{"accept-language": "it"}) == ITALIAN


def test_somebody_unknown_is_asked_in_the_browsers_language(client):
    assert reads(client, "/admin/login/", **{"accept-language": "it"}) == ITALIAN


def test_the_buttons_keep_the_choice_on_the_member(dora):
    client = client_of(dora)
    choose(client, "it")
    dora.refresh_from_db()
    assert (dora.language, reads(client)) == ("it", ITALIAN)
    choose(client, "en")
    assert reads(client) == ENGLISH


def test_the_buttons_serve_somebody_unknown_by_cookie(client):
    choose(client, "it")
    assert reads(client, "/admin/login/") == ITALIAN


@pytest.mark.parametrize("language", ["xx", "", "it\0", "../../x"])
def test_a_language_that_is_not_there_changes_nothing(dora, language):
    client = client_of(dora)
    assert choose(client, language).status_code == 302
    dora.refresh_from_db()
    assert dora.language == ""


def test_asking_for_the_address_chooses_nothing(client):
    assert client.get("/i18n/setlang/").status_code == 405


def test_the_buttons_lead_nowhere_else(client):
    response = client.post("/i18n/setlang/", {"language": "it", "next": "https://elsewhere.example/"})
    assert "elsewhere" not in response["Location"]


def test_the_next_person_on_the_same_thread_does_not_read_the_language_of_the_last(dora, client):
    dora.language = "it"
    dora.save()
    reads(client_of(dora))
    assert reads(client, "/admin/login/") == ENGLISH
