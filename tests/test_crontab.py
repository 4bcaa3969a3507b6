"""`manage.py crontab`: the lab's lines come, go and change, and nobody else's do."""

import io
import shlex
import stat

import pytest
from django.conf import settings as lab
from django.core.management import CommandError, call_command

from fabomatic.housekeeping.schedule import SCHEDULE

# As Debian's: says so where there is none, takes standard input for "-", refuses a last line without an end.
PROGRAM = """#!/bin/sh
cd "$(dirname "$0")" || exit 2
case "$1" in
-l) [ -f spool ] && exec cat spool; echo "no crontab for ada" >&2; exit 1 ;;
-) cat > new; [ -z "$(tail -c 1 new)" ] || { echo "missing newline before EOF" >&2; exit 1; }; mv new spool ;;
esac
"""
OTHERS = b"""# backups of mine, caf\xe9
MAILTO=ada@example.org
PATH=/usr/local/bin:/usr/bin:/bin

*/5 * * * * date +\\%H >> "$HOME/times"\t
30 2 * * * nice -n 19 /srv/lab2/.venv/bin/python /srv/lab2/manage.py crontab run 0a1b # fabomatic in /srv/lab2
#40 3 * * * nice # fabomatic in /srv/lab
windows\r
"""


@pytest.fixture
def program(tmp_path, settings):
    path = tmp_path / "crontab"
    settings.CRONTAB_EXECUTABLE = str(path)
    settings.CRONTAB_COMMENT = "fabomatic in /srv/lab"
    settings.CRON_FOLDER = tmp_path / "var" / "cron"
    return play(path, PROGRAM)


def play(path, script):
    path.write_text(script)
    path.chmod(0o755)
    return path


@pytest.fixture
def spool(program):
    return program.parent / "spool"


def manage(*arguments):
    said, complained = io.StringIO(), io.StringIO()
    call_command("crontab", *arguments, stdout=said, stderr=complained)
    return said.getvalue() + complained.getvalue()


def ours(spool):
    return [line for line in spool.read_text("latin-1").splitlines() if line.endswith("# fabomatic in /srv/lab")]


def test_all_jobs_are_added_where_there_was_no_crontab(spool):
    said = manage("add")
    assert [line.split("/cron/")[1].split(".txt")[0] for line in ours(spool)] == list(SCHEDULE)
    assert all(name in said for name in SCHEDULE)


def test_adding_twice_changes_nothing(spool):
    manage("add")
    before = spool.read_bytes()
    manage("add")
    assert spool.read_bytes() == before


def test_what_others_wrote_stays_byte_for_byte(spool):
    spool.write_bytes(OTHERS)
    manage("add")
    assert spool.read_bytes().startswith(OTHERS)
    assert manage("remove") == f"{len(SCHEDULE)} jobs were removed.\n"
    assert spool.read_bytes() == OTHERS


def test_a_last_line_without_an_end_is_not_continued_by_ours(spool):
    spool.write_text("1 2 3 4 5 true")
    manage("add")
    assert spool.read_text().startswith("1 2 3 4 5 true\n")
    assert len(ours(spool)) == len(SCHEDULE)


def test_removing_where_nothing_is_ours_writes_nothing(spool):
    spool.write_text("1 2 3 4 5 true")
    manage("remove")
    assert spool.read_text() == "1 2 3 4 5 true"


def test_changed_times_are_there_after_the_first_try(spool, settings):
    spool.write_bytes(OTHERS)
    manage("add")
    settings.CRONJOBS = [("1 1 * * *", *settings.CRONJOBS[0][1:])]
    said = manage("add")
    assert [line.split(" nice")[0] for line in ours(spool) if not line.startswith("#")] == ["1 1 * * *"]
    assert said.startswith("1 1 * * *       purge_gdpr\n")
    assert spool.read_bytes().startswith(OTHERS)


def test_show_says_when_the_crontab_is_an_old_one(spool, settings):
    manage("add")
    settings.CRONJOBS = [("1 1 * * *", *settings.CRONJOBS[0][1:]), *settings.CRONJOBS[1:]]
    with pytest.raises(CommandError, match="crontab add"):
        manage("show")
    manage("add")
    assert "purge_gdpr" in manage("show")


def test_show_says_when_nothing_was_added(spool):
    with pytest.raises(CommandError, match="crontab add"):
        manage("show")


@pytest.mark.parametrize("subcommand", ["add", "show", "remove"])
def test_without_cron_it_says_so(subcommand, program):
    program.unlink()
    with pytest.raises(CommandError, match="install cron, or use the timers"):
        manage(subcommand)


@pytest.mark.parametrize("subcommand", ["add", "remove"])
def test_a_crontab_that_cannot_be_read_is_not_replaced(subcommand, program, spool):
    spool.write_bytes(OTHERS)
    play(program, PROGRAM.replace("[ -f spool ]", 'echo "You (ada) are not allowed" >&2; exit 1; [ -f spool ]'))
    with pytest.raises(CommandError, match=r"You \(ada\) are not allowed"):
        manage(subcommand)
    assert spool.read_bytes() == OTHERS


def test_that_there_is_none_is_understood_in_whatever_language_the_system_speaks(program, spool):
    play(program, PROGRAM.replace('echo "no', '[ "$LC_ALL" = C ] || { echo "nessun crontab" >&2; exit 1; }; echo "no'))
    manage("add")
    assert len(ours(spool)) == len(SCHEDULE)


def test_what_cron_refuses_is_told(program, spool):
    play(program, PROGRAM.replace("cat > new;", 'echo "bad minute" >&2; exit 1;'))
    with pytest.raises(CommandError, match="bad minute"):
        manage("add")


def test_a_crontab_that_was_not_kept_is_told(program, spool):
    play(program, PROGRAM.replace("mv new spool", "head -n 2 new > spool"))
    with pytest.raises(CommandError, match="says something else now"):
        manage("add")


@pytest.mark.parametrize("name", ["100% lab", "two\nlines"])
def test_a_path_that_cron_would_cut_is_refused(name, spool, settings):
    spool.write_bytes(OTHERS)
    settings.CRONTAB_PYTHON_EXECUTABLE = shlex.quote(f"/srv/{name}/python")
    with pytest.raises(CommandError, match="Cron cannot take"):
        manage("add")
    assert spool.read_bytes() == OTHERS


def test_a_path_is_for_the_shell_one_word_whatever_is_in_it(spool, settings, tmp_path):
    place = tmp_path / "Ada's lab #1"
    place.mkdir()
    (place / "manage.py").touch()
    settings.CRONTAB_DJANGO_MANAGE_PATH = str(place / "manage.py")
    manage("add")
    assert shlex.split(ours(spool)[0], comments=True)[9] == str(place / "manage.py")


def test_the_folder_of_what_jobs_said_is_made_for_nobody_else(spool, settings):
    manage("add")
    assert stat.S_IMODE(settings.CRON_FOLDER.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_told(spool, settings):
    settings.CRON_FOLDER.parent.write_text("a file")
    with pytest.raises(CommandError, match="cannot be made"):
        manage("add")
    assert not spool.exists()


def test_the_labs_own_settings_write_into_its_own_folder():
    for name, job in zip(SCHEDULE, lab.CRONJOBS, strict=True):
        assert job[4] == f"> {shlex.quote(str(lab.BASE_DIR / 'var' / 'cron' / name))}.txt 2>&1"
