"""What members agree to: written by staff, one version after another, and read by everybody."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from members import agreements
from members.invitations import send_invitation
from members.models import Agreement, Change, Member
from tests.conftest import NOW
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db
ADD = page(Agreement, "add")
LIST = page(Agreement, "changelist")


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def two_versions(dora):
    return [agreements.publish(text, dora, NOW + timedelta(days=day)) for day, text in enumerate(("Old", "New"))]


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_the_first_begins_with_the_points_a_lab_has_to_fill_in(boss, settings):
    settings.RETENTION_DAYS, settings.UNKNOWN_CARD_RETENTION_DAYS = 400, 9
    text = filled_in(boss, ADD)["text"]
    assert "after 400 days" in text
    assert "after 9 days" in text
    assert "[Name of the lab" in text


def test_the_first_begins_in_the_language_of_the_lab(boss, settings):
    settings.LANGUAGE_CODE = "it"
    assert filled_in(boss, ADD)["text"] == agreements.starter_text()


def test_gaps_that_only_the_lab_can_fill_are_not_published(boss):
    text = filled_in(boss, ADD)["text"]
    [error] = errors_of(boss.post(ADD, {"text": text}))["text"]
    assert "[Name of the lab" in error
    for gap in agreements.gaps(text):
        text = text.replace(gap, "FabLab of Bologna [Italy]")
    assert boss.post(ADD, {"text": text}).status_code == 302


def test_it_is_published_with_number_and_author(boss, dora):
    save(boss, ADD, text="Be kind.\r\n\r\nSweep.  ")
    published = Agreement.objects.get()
    assert (published.version, published.text, published.published_by) == (1, "Be kind.\n\nSweep.", dora)
    assert Change.objects.get(content_type__model="agreement").member == dora


def test_the_next_begins_with_the_latest_and_counts_on(boss, two_versions):
    assert filled_in(boss, ADD)["text"] == "New"
    save(boss, ADD, text="Newer")
    assert list(Agreement.objects.values_list("version", "text")) == [(3, "Newer"), (2, "New"), (1, "Old")]


@pytest.mark.parametrize("text", ["New", "\r\nNew \r\n"])
def test_the_same_text_again_is_refused_with_a_sentence(boss, two_versions, text):
    errors = errors_of(boss.post(ADD, {"text": text}))
    assert errors == {"text": ["This is the text of the current version: nothing has changed."]}
    assert Agreement.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("texts", "published"), [(("One", "Two"), 2), (("Same", "Same"), 1)])
def test_two_who_publish_at_once_come_one_after_the_other(dora, texts, published):
    clients = [client_of(dora) for _ in texts]

    def publish(number):
        try:
            return clients[number].post(ADD, {"text": texts[number]}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(publish, range(2)))
    assert answers == ([302, 302] if published == 2 else [200, 302])
    assert sorted(Agreement.objects.values_list("version", flat=True)) == list(range(1, published + 1))


def test_going_back_to_an_older_text_is_a_new_version(boss, two_versions):
    save(boss, ADD, text="Old")
    assert agreements.current().version == 3


def test_an_empty_text_and_one_too_long_are_refused(boss):
    assert "text" in errors_of(boss.post(ADD, {"text": " \n "}))
    assert "text" in errors_of(boss.post(ADD, {"text": "x" * 50_001}))


def test_nobody_changes_or_deletes_one(boss, two_versions):
    address = page(Agreement, "change", two_versions[0].pk)
    assert boss.post(address, {"text": "Forged"}).status_code == 403
    assert boss.post(page(Agreement, "delete", two_versions[0].pk), {"post": "yes"}).status_code == 403
    boss.post(LIST, {"action": "delete_selected", "_selected_action": [two_versions[0].pk], "post": "yes"})
    assert list(Agreement.objects.values_list("text", flat=True)) == ["New", "Old"]


def test_a_version_is_read_with_what_became_of_it(boss, two_versions, ada):
    Member.objects.filter(pk=ada.pk).update(consent_at=NOW, consent_to=two_versions[1])
    text = boss.get(page(Agreement, "change", two_versions[1].pk)).content.decode()
    assert "<p>New</p>" in text
    assert "/agreement/2/" in text
    rows = [row.people or 0 for row in boss.get(LIST).context["cl"].result_list]
    assert rows == [1, 0]


def test_the_list_takes_less_than_ten_queries(boss, dora, django_assert_max_num_queries):
    for number in range(30):
        agreements.publish(f"Text {number}", dora, NOW)
    with django_assert_max_num_queries(9):
        assert boss.get(LIST).status_code == 200


def test_who_may_not_see_members_is_not_told_who_wrote_it(make_member, two_versions):
    tina = make_member("Tina", role=backend_role("Writers", "view_agreement", "add_agreement"), email="t@example.org")
    client = client_of(tina)
    for address in (LIST, page(Agreement, "change", two_versions[1].pk)):
        response = client.get(address)
        assert response.status_code == 200
        assert "Maar" not in response.content.decode()


def test_writing_takes_a_permission(make_member, two_versions):
    reader = client_of(make_member("Rita", role=backend_role("Readers", "view_agreement"), email="r@example.org"))
    assert reader.get(LIST).status_code == 200
    assert reader.post(ADD, {"text": "Mine"}).status_code == 403
    other = client_of(make_member("Olga", role=backend_role("Others", "view_machine"), email="o@example.org"))
    assert other.get(LIST).status_code == 403


def test_who_wrote_it_may_be_deleted(two_versions, dora):
    dora.delete()
    assert Agreement.objects.filter(published_by=None).count() == 2


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_everybody_reads_the_current_one(client, two_versions):
    response = client.get("/agreement/")
    text = response.content.decode()
    assert response.status_code == 200
    assert "<p>New</p>" in text
    assert "Version 2, " in text
    assert 'href="/agreement/1/"' in text


def test_an_older_one_says_that_it_is_older(client, two_versions):
    text = client.get("/agreement/1/").content.decode()
    assert "<p>Old</p>" in text
    assert "This is an older version." in text


def test_before_there_is_one_it_says_so(client, db):
    response = client.get("/agreement/")
    assert response.status_code == 404
    assert "has not published" in response.content.decode()


@pytest.mark.parametrize("version", ["3", "0", "99999999999999999999999"])
def test_a_version_that_never_was_leads_to_the_current_one(client, two_versions, version):
    response = client.get(f"/agreement/{version}/")
    assert response.status_code == 404
    assert "There is no such version." in response.content.decode()


def test_it_is_only_read(client, two_versions):
    assert client.post("/agreement/").status_code == 405


def test_nobody_is_named_to_strangers(client, two_versions):
    assert "Dora" not in client.get("/agreement/").content.decode()


def test_it_can_be_read_in_italian(client, two_versions):
    assert client.get("/agreement/", headers={"accept-language": "it"}).status_code == 200


def test_the_live_page_leads_there_once_there_is_one(client, settings, dora):
    settings.DASHBOARD_ACCESS = "public"
    assert "/agreement/" not in client.get("/").content.decode()
    agreements.publish("Text", dora, NOW)
    assert 'href="/agreement/"' in client.get("/").content.decode()


def test_an_invitation_names_the_page_once_there_is_one(ada, dora, settings):
    send_invitation(ada)
    agreements.publish("Text", dora, NOW)
    send_invitation(ada)
    before, after = mail.outbox
    assert "/agreement/" not in before.body + str(before.alternatives)
    assert f"{settings.SITE_URL}/agreement/" in after.body
    assert f"{settings.SITE_URL}/agreement/" in str(after.alternatives)


# ---- its form --------------------------------------------------------------------------------------------------------


def test_lines_become_headings_points_and_paragraphs():
    html = agreements.as_html("# Who\nWe.\nAll of us.\n\nThen\n- a\n- b\n\n- c")
    assert html == (
        "<h2>Who</h2>\n<p>We.<br>All of us.</p>\n<p>Then</p>\n<ul><li>a</li><li>b</li></ul>\n<ul><li>c</li></ul>"
    )


@pytest.mark.parametrize("text", ["<script>x</script>", "# <script>x</script>", "- <script>x</script>"])
def test_nothing_of_it_is_markup(text):
    assert "<script" not in agreements.as_html(text)
    assert "&lt;script&gt;" in agreements.as_html(text)
