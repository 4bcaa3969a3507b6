import re
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from members.models import Member, Role

pytestmark = pytest.mark.django_db


def create_first_administrator(*arguments):
    output = StringIO()
    call_command("create_first_administrator", *arguments, stdout=output)
    return output.getvalue()


def test_first_administrator_can_log_in_with_what_is_printed():
    email, password = re.search(r": (\S+), password (\S+) ", create_first_administrator()).groups()

    member = authenticate(username=email, password=password)

    assert member.is_staff
    assert member.is_superuser
    assert len(password) >= 16


def test_nothing_is_said_or_done_where_there_is_a_superuser():
    create_first_administrator()

    assert create_first_administrator("--email", "second@lab.invalid") == ""

    assert Member.objects.count() == 1


def test_email_may_be_chosen():
    create_first_administrator("--email", "Grace@Example.org")

    assert Member.objects.get().email == "grace@example.org"


def test_email_of_an_ordinary_member_is_refused():
    Member.objects.create_user("ada@example.org", first_name="Ada", role=Role.objects.get(name="Members"))

    with pytest.raises(CommandError, match="belongs to a member"):
        create_first_administrator("--email", "ada@example.org")

    assert not Member.objects.filter(is_superuser=True).exists()


def test_what_is_no_email_is_refused():
    with pytest.raises(CommandError, match="no e-mail address"):
        create_first_administrator("--email", "admin")
