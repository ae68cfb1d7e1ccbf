"""What somebody runs at a terminal."""

from __future__ import annotations

import io
import json
import os
import re
import select
import subprocess
import sys
from contextlib import closing

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from crudauth_django.management.audit import Audit, columns_of
from crudauth_django.management.digests import Digests
from crudauth_django.users import user_model
from tests.support import parts
from tests.support.client import PASSWORD


def write_as_it_is(pk, *, username, phone=None):
    """Insert a row as some other program would have."""
    user_model().objects.bulk_create(
        [user_model()(pk=pk, username=f"row-{pk}", password="!")]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE phone_user SET username = %s, phone = %s WHERE id = %s",
            [username, phone, pk],
        )


def stored():
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, username, phone FROM phone_user ORDER BY id")
        return [tuple(row) for row in cursor.fetchall()]


def adopt(*flags):
    """Run; returns the exit code, the issues and the summary."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("crudauth_adopt", "--format=json", *flags, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    *issues, last = map(json.loads, out.getvalue().splitlines())
    return code, issues, last["summary"]


@pytest.mark.django_db
def test_a_table_in_order_has_nothing_to_report():
    write_as_it_is(1, username="ada", phone="+12125552368")
    write_as_it_is(2, username="bob")

    code, issues, summary = adopt()

    assert (code, issues) == (0, [])
    assert summary == {"rows": 2, "not_normalized": 0, "collision": 0, "unreadable": 0}


@pytest.mark.django_db
def test_every_row_that_is_not_as_it_should_be_is_reported_and_none_changed():
    write_as_it_is(1, username="Ada", phone="+1 (212) 555-2368")
    write_as_it_is(2, username="bob", phone="+12125550123")
    write_as_it_is(3, username="BOB", phone="+1 212 555 0123")
    write_as_it_is(4, username="eve@example.com", phone="12")
    write_as_it_is(5, username="z\u200boe", phone="")
    before = stored()

    code, issues, summary = adopt("--batch-size=2")

    assert code == 1
    assert stored() == before
    assert summary == {"rows": 5, "not_normalized": 3, "collision": 4, "unreadable": 3}
    assert {tuple(issue.values()) for issue in issues} == {
        (1, "username", "not_normalized"),
        (1, "phone", "not_normalized"),
        (2, "username", "collision", 3),
        (3, "username", "collision", 2),
        (2, "phone", "collision", 3),
        (3, "phone", "collision", 2),
        (4, "username", "unreadable", "ambiguous"),
        (4, "phone", "unreadable", "invalid"),
        (5, "username", "unreadable", "unprintable"),
        (5, "phone", "not_normalized"),
    }


@pytest.mark.django_db
def test_values_without_a_collision_are_fixed_others_kept():
    write_as_it_is(1, username="Ada", phone="+1 (555) 123-4567")
    write_as_it_is(2, username="bob", phone="+12125550123")
    write_as_it_is(3, username="BOB", phone="")
    write_as_it_is(4, username="eve@example.com", phone="+44 20 7946 0123")

    code, _issues, summary = adopt("--apply", "--batch-size=1")

    assert code == 1
    assert summary["fixed"] == 4
    assert stored() == [
        (1, "ada", "+15551234567"),
        (2, "bob", "+12125550123"),
        (3, "BOB", None),
        (4, "eve@example.com", "+442079460123"),
    ]


@pytest.mark.django_db
def test_a_second_run_finds_only_what_a_person_has_to_decide():
    write_as_it_is(1, username="Ada")
    write_as_it_is(2, username="bob")
    write_as_it_is(3, username="BOB")
    adopt("--apply")

    code, _issues, summary = adopt("--apply")

    assert code == 1
    assert summary == {
        "rows": 3,
        "not_normalized": 0,
        "collision": 2,
        "unreadable": 0,
        "fixed": 0,
    }


@pytest.mark.django_db
def test_a_run_that_fixes_everything_succeeds():
    write_as_it_is(1, username="Ada", phone="+1 212 555 2368")

    code, _issues, summary = adopt("--apply")

    assert code == 0
    assert summary["fixed"] == 2


@pytest.mark.django_db
def test_normalizing_a_verified_number_keeps_it_verified():
    write_as_it_is(1, username="ada", phone="+1 212 555 2368")
    user_model().objects.update(phone_verified=True)

    adopt("--apply")

    ada = user_model().objects.get()
    assert (ada.held_value, ada.phone_verified, ada.auth_epoch) == (
        "+12125552368",
        True,
        0,
    )


@pytest.mark.django_db
def test_three_equal_values_each_name_another_row():
    for pk, name in enumerate(["ADA", "Ada", "ada"], start=1):
        write_as_it_is(pk, username=name)

    _code, issues, _summary = adopt()

    assert [(i["pk"], i["detail"]) for i in issues] == [(1, 3), (2, 1), (3, 1)]


@pytest.mark.django_db
def test_the_report_names_rows_and_no_values():
    write_as_it_is(1, username="eve@example.com", phone="+1 (212) 555-2368")
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(SystemExit):
        call_command("crudauth_adopt", stdout=out, stderr=err)

    assert out.getvalue().splitlines() == [
        "1: username can't be read (ambiguous)",
        "1: phone is not normalized",
        "1 rows: 1 values are not normalized, 0 collide, 1 can't be read.",
    ]
    assert err.getvalue() == ""


@pytest.mark.django_db
def test_there_is_a_bar_on_a_terminal_alone():
    write_as_it_is(1, username="ada")
    screen = io.StringIO()
    screen.isatty = lambda: True

    call_command("crudauth_adopt", stdout=io.StringIO(), stderr=screen)

    assert "100% 1 of 1 rows read" in screen.getvalue()


@pytest.mark.django_db
def test_a_batch_of_nothing_is_refused():
    with pytest.raises(CommandError) as caught:
        call_command("crudauth_adopt", "--batch-size=0")

    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_a_value_the_database_refuses_is_left():
    write_as_it_is(1, username="Ada")
    write_as_it_is(2, username="Bob")
    with connection.cursor() as cursor:
        # As a collation that takes two letters for one would.
        cursor.execute(
            "CREATE UNIQUE INDEX one_name ON phone_user"
            " ((username IN ('ada', 'bob'))) WHERE username IN ('ada', 'bob')"
        )

    code, _issues, summary = adopt("--apply")

    assert code == 1
    assert summary["fixed"] == 1
    assert [name for _pk, name, _phone in stored()] == ["ada", "Bob"]


@pytest.fixture
def audit(db):
    """Reads and fixes two rows at a time."""
    with closing(Digests()) as digests:
        yield Audit(
            database="default",
            columns=columns_of("default"),
            batch_size=2,
            digests=digests,
        )


def test_an_interrupted_run_can_be_started_again(audit):
    for pk, name in enumerate(["Ada", "Bob", "Eve", "Zoe"], start=1):
        write_as_it_is(pk, username=name)
    list(audit.read())
    next(audit.fix())
    midway = [name for _pk, name, _phone in stored()]

    code, _issues, summary = adopt("--apply")

    assert midway == ["ada", "bob", "Eve", "Zoe"]
    assert (code, summary["fixed"]) == (0, 2)
    assert [name for _pk, name, _phone in stored()] == ["ada", "bob", "eve", "zoe"]


@pytest.mark.parametrize("meanwhile", ["grace", "Grace", "a@example.com"])
def test_a_value_that_changed_since_it_was_read_is_left(audit, meanwhile):
    write_as_it_is(1, username="Ada")
    list(audit.read())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE phone_user SET username = %s", [meanwhile])

    fixed = sum(audit.fix())

    assert fixed == 0
    assert [name for _pk, name, _phone in stored()] == [meanwhile]


def test_the_scratch_file_holds_no_values(audit):
    write_as_it_is(1, username="Grace", phone="+1 (212) 555-2368")
    list(audit.read())

    written = "".join(audit.digests.iterdump())

    assert written.count("not_normalized") == 2
    assert "grace" not in written.lower()
    assert "5552368" not in written


def fail(api, name, times):
    for _guess in range(times):
        api.log_in(name, "wrong")


@pytest.mark.django_db
def test_an_account_is_unlocked_by_any_spelling_of_its_name(api, ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"ATTEMPTS": 2}
    fail(api, "ada", 2)
    locked = api.log_in().status_code

    call_command("crudauth_unlock", " ADA ", stdout=io.StringIO())

    assert (locked, api.log_in().status_code) == (429, 200)


@pytest.mark.django_db
def test_a_network_is_unlocked_by_an_address_of_it(api, ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 2}
    fail(api, "nobody", 1)
    fail(api, "nobody-else", 1)
    locked = api.log_in().status_code
    out = io.StringIO()

    call_command("crudauth_unlock", network=["127.0.0.1"], stdout=out)

    assert (locked, api.log_in().status_code) == (429, 200)
    assert out.getvalue() == "Unlocked the network 127.0.0.1.\n"


@pytest.mark.django_db
@pytest.mark.parametrize("words", [["nobody"], ["--network=here"], []])
def test_what_is_not_there_can_not_be_unlocked(words):
    with pytest.raises(CommandError):
        call_command("crudauth_unlock", *words)


def answer_prompts(command, answers, *, env):
    """Run at a terminal and type the answers, each when it is asked for."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "django", *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        cwd=parts.ROOT,
        start_new_session=True,
    )
    os.close(theirs)
    for prompt, line in answers:
        seen = b""
        while not re.search(prompt + rb"[^\n]*: $", seen):
            assert select.select([ours], [], [], parts.PATIENCE)[0], seen
            seen += os.read(ours, 1024)
        os.write(ours, line + b"\n")
    code = process.wait(timeout=parts.PATIENCE)
    os.close(ours)
    return code


def test_createsuperuser_asks_at_a_terminal_until_it_has_a_name(tmp_path):
    env = parts.environment(database=str(tmp_path / "db.sqlite3"))
    parts.manage("migrate", "--verbosity=0", env=env)

    code = answer_prompts(
        ["createsuperuser"],
        [
            (b"Username", b"not a name"),
            (b"Username", b"Grace"),
            (b"Password", PASSWORD.encode()),
            (b"Password \\(again", PASSWORD.encode()),
        ],
        env=env,
    )
    found = parts.manage(
        "shell",
        "--verbosity=0",
        "-c",
        "from crudauth_django.users import user_model;"
        "u = user_model().objects.get();"
        f"print(u.username, u.is_superuser, u.check_password({PASSWORD!r}))",
        env=env,
    )

    assert code == 0
    assert found.split() == ["grace", "True", "True"]
