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
from crudauth_django.management.digests import Ledger
from crudauth_django.users import user_model
from tests import parts
from tests.conftest import PASSWORD


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
    """Run; returns the exit code, the findings, and the summary."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("crudauth_adopt", "--format=json", *flags, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    *findings, last = map(json.loads, out.getvalue().splitlines())
    return code, findings, last["summary"]


@pytest.mark.django_db
def test_a_table_in_order_has_nothing_to_report():
    write_as_it_is(1, username="ada", phone="+12125552368")
    write_as_it_is(2, username="bob")

    code, findings, summary = adopt()

    assert (code, findings) == (0, [])
    assert summary == {"rows": 2, "spelling": 0, "collision": 0, "unreadable": 0}


@pytest.mark.django_db
def test_every_row_that_is_not_as_it_should_be_is_reported_and_none_changed():
    write_as_it_is(1, username="Ada", phone="+1 (212) 555-2368")
    write_as_it_is(2, username="bob", phone="+12125550123")
    write_as_it_is(3, username="BOB", phone="+1 212 555 0123")
    write_as_it_is(4, username="eve@example.com", phone="12")
    write_as_it_is(5, username="z\u200boe", phone="")
    before = stored()

    code, findings, summary = adopt("--batch-size=2")

    assert code == 1
    assert stored() == before
    assert summary == {"rows": 5, "spelling": 3, "collision": 4, "unreadable": 3}
    assert {tuple(found.values()) for found in findings} == {
        (1, "username", "spelling"),
        (1, "phone", "spelling"),
        (2, "username", "collision", 3),
        (3, "username", "collision", 2),
        (2, "phone", "collision", 3),
        (3, "phone", "collision", 2),
        (4, "username", "unreadable", "ambiguous"),
        (4, "phone", "unreadable", "invalid"),
        (5, "username", "unreadable", "unprintable"),
        (5, "phone", "spelling"),
    }


@pytest.mark.django_db
def test_what_can_be_decided_is_mended_and_the_rest_left_alone():
    write_as_it_is(1, username="Ada", phone="+1 (555) 123-4567")
    write_as_it_is(2, username="bob", phone="+12125550123")
    write_as_it_is(3, username="BOB", phone="")
    write_as_it_is(4, username="eve@example.com", phone="+44 20 7946 0123")

    code, _findings, summary = adopt("--apply", "--batch-size=1")

    assert code == 1
    assert summary["mended"] == 4
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

    code, _findings, summary = adopt("--apply")

    assert code == 1
    assert summary == {
        "rows": 3,
        "spelling": 0,
        "collision": 2,
        "unreadable": 0,
        "mended": 0,
    }


@pytest.mark.django_db
def test_a_run_that_mends_everything_succeeds():
    write_as_it_is(1, username="Ada", phone="+1 212 555 2368")

    code, _findings, summary = adopt("--apply")

    assert code == 0
    assert summary["mended"] == 2


@pytest.mark.django_db
def test_a_verified_number_that_is_respelled_stays_verified_and_signed_in():
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
def test_three_of_one_spelling_all_collide_and_each_says_with_whom():
    for pk, name in enumerate(["ADA", "Ada", "ada"], start=1):
        write_as_it_is(pk, username=name)

    _code, findings, _summary = adopt()

    assert [(f["pk"], f["detail"]) for f in findings] == [(1, 3), (2, 1), (3, 1)]


@pytest.mark.django_db
def test_the_report_names_rows_and_no_values():
    write_as_it_is(1, username="eve@example.com", phone="+1 (212) 555-2368")
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(SystemExit):
        call_command("crudauth_adopt", stdout=out, stderr=err)

    assert out.getvalue().splitlines() == [
        "1: username can't be read (ambiguous)",
        "1: phone is not in its one spelling",
        "1 rows: 1 values to respell, 0 that collide, 1 that can't be read.",
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

    code, _findings, summary = adopt("--apply")

    assert code == 1
    assert summary["mended"] == 1
    assert [name for _pk, name, _phone in stored()] == ["ada", "Bob"]


@pytest.fixture
def survey(db):
    """Reads and mends two rows at a time."""
    with closing(Ledger()) as ledger:
        yield Audit(
            database="default",
            columns=columns_of("default"),
            batch_size=2,
            ledger=ledger,
        )


def test_an_interrupted_run_can_be_started_again(survey):
    for pk, name in enumerate(["Ada", "Bob", "Eve", "Zoe"], start=1):
        write_as_it_is(pk, username=name)
    list(survey.read())
    next(survey.mend())
    midway = [name for _pk, name, _phone in stored()]

    code, _findings, summary = adopt("--apply")

    assert midway == ["ada", "bob", "Eve", "Zoe"]
    assert (code, summary["mended"]) == (0, 2)
    assert [name for _pk, name, _phone in stored()] == ["ada", "bob", "eve", "zoe"]


@pytest.mark.parametrize("meanwhile", ["grace", "Grace", "a@example.com"])
def test_a_value_that_changed_since_it_was_read_is_left(survey, meanwhile):
    write_as_it_is(1, username="Ada")
    list(survey.read())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE phone_user SET username = %s", [meanwhile])

    mended = sum(survey.mend())

    assert mended == 0
    assert [name for _pk, name, _phone in stored()] == [meanwhile]


def fail(api, name, times):
    for _guess in range(times):
        api.post("/login", {"username": name, "password": "wrong"}, format="json")


def log_in(api, name):
    body = {"username": name, "password": PASSWORD}
    return api.post("/login", body, format="json").status_code


@pytest.mark.django_db
def test_an_account_is_unlocked_by_any_spelling_of_its_name(api, ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"ATTEMPTS": 2}
    fail(api, "ada", 2)
    locked = log_in(api, "ada")

    call_command("crudauth_unlock", " ADA ", stdout=io.StringIO())

    assert (locked, log_in(api, "ada")) == (429, 200)


@pytest.mark.django_db
def test_a_network_is_unlocked_by_an_address_of_it(api, ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 2}
    fail(api, "nobody", 1)
    fail(api, "nobody-else", 1)
    locked = log_in(api, "ada")
    out = io.StringIO()

    call_command("crudauth_unlock", network=["127.0.0.1"], stdout=out)

    assert (locked, log_in(api, "ada")) == (429, 200)
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
