"""Sessions, wrong passwords, notices and files of imports go when they are of no use any more."""

import os
import time
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessAttemptExpiration, AccessFailureLog, AccessLog
from django.conf import settings as lab
from django.contrib.sessions.models import Session

from fabomatic.models import Notice
from tests.conftest import NOW
from tests.purging import CUTOFF, SECOND, purged, would_purge

pytestmark = pytest.mark.django_db


def test_sessions_that_have_expired_go():
    for key, at in (("old", NOW - SECOND), ("young", NOW)):
        Session.objects.create(session_key=key, session_data="", expire_date=at)
    assert would_purge() == purged() == {"sessions deleted": 1}
    assert Session.objects.get().pk == "young"


def test_wrong_passwords_go_a_day_after_nobody_has_to_wait_for_them():
    until = NOW - lab.AXES_COOLOFF_TIME - timedelta(days=1)
    for model, more in ((AccessAttempt, {"failures_since_start": 1}), (AccessFailureLog, {}), (AccessLog, {})):
        for at in (until - SECOND, until):
            row = model.objects.create(username=f"{at}", ip_address="192.0.2.1", **more)
            model.objects.filter(pk=row.pk).update(attempt_time=at)
    for attempt in AccessAttempt.objects.all():
        AccessAttemptExpiration.objects.create(access_attempt=attempt, expires_at=NOW)
    assert would_purge() == purged() == {"wrong passwords forgotten": 3}
    assert AccessAttempt.objects.get().attempt_time == AccessLog.objects.get().attempt_time == until
    assert AccessAttemptExpiration.objects.count() == 1


def test_old_notices_go_sent_or_not(ada):
    for number, at in enumerate((CUTOFF - SECOND, CUTOFF - SECOND, CUTOFF)):
        sent_at = at if number else None
        Notice.objects.create(kind="membership", member=ada, about=f"{number}", created_at=at, sent_at=sent_at)
    assert would_purge() == purged() == {"mail notices deleted": 2}
    assert Notice.objects.get().created_at == CUTOFF


def test_files_of_imports_go_after_their_hour(settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path
    for name, age in (("1-old.json", 3700), ("1-new.json", 60)):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert would_purge() == purged() == {"files of imports deleted": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["1-new.json"]


def test_no_folder_is_made_where_nothing_was_ever_imported(settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    purged()
    assert not settings.IMPORT_FOLDER.exists()
