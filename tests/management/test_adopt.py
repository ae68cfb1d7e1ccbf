"""``crudauth_adopt``: reports rows that are not normalized, and fixes them."""

from __future__ import annotations

import io
import json
from contextlib import closing

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from crudauth_django.management.audit import Audit, columns_of
from crudauth_django.management.digests import Digests
from crudauth_django.users import user_model
from tests.support.temporary import installed

pytestmark = pytest.mark.django_db


def write_row(pk, *, username, phone=None):
    """Insert a row as another program would, unnormalized."""
    user_model().objects.bulk_create(
        [user_model()(pk=pk, username=f"row-{pk}", password="!")]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE phone_user SET username = %s, phone = %s WHERE id = %s",
            [username, phone, pk],
        )


def stored_rows():
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


def test_normalized_table_has_no_issue():
    write_row(1, username="ada", phone="+12125552368")
    write_row(2, username="bob")

    code, issues, summary = adopt()

    assert (code, issues) == (0, [])
    assert summary == {"rows": 2, "not_normalized": 0, "collision": 0, "unreadable": 0}


def test_report_names_each_issue_and_changes_nothing():
    write_row(1, username="Ada", phone="+1 (212) 555-2368")
    write_row(2, username="bob", phone="+12125550123")
    write_row(3, username="BOB", phone="+1 212 555 0123")
    write_row(4, username="eve@example.com", phone="12")
    write_row(5, username="z\u200boe", phone="")
    write_row(6, username="\u3164")
    before = stored_rows()

    code, issues, summary = adopt("--batch-size=2")

    assert code == 1
    assert stored_rows() == before
    assert summary == {"rows": 6, "not_normalized": 3, "collision": 4, "unreadable": 4}
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
        (6, "username", "unreadable", "unprintable"),
    }


def test_apply_fixes_values_without_a_collision():
    write_row(1, username="Ada", phone="+1 (555) 123-4567")
    write_row(2, username="bob", phone="+12125550123")
    write_row(3, username="BOB", phone="")
    write_row(4, username="eve@example.com", phone="+44 20 7946 0123")

    code, _issues, summary = adopt("--apply", "--batch-size=1")

    assert code == 1
    assert summary["fixed"] == 4
    assert stored_rows() == [
        (1, "ada", "+15551234567"),
        (2, "bob", "+12125550123"),
        (3, "BOB", None),
        (4, "eve@example.com", "+442079460123"),
    ]


@pytest.mark.django_db(transaction=True)
def test_email_domains_are_normalized_and_compared():
    emails = [
        "ada@EX\u00c4MPLE.com",
        "bob@\uff45xample.com",
        "bob@example.com",
        '"eve"@example.com',
    ]
    with installed(LOGIN_IDENTIFIERS=("email",), RECOVERY_FACTOR="email") as model:
        for pk, email in enumerate(emails, start=1):
            model.objects.bulk_create([model(pk=pk, email=f"{pk}@x.co", password="!")])
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {model._meta.db_table} SET email = %s WHERE id = %s",  # noqa: S608 (name of the model)
                    [email, pk],
                )

        code, issues, summary = adopt("--apply")

        stored = list(model.objects.order_by("pk").values_list("email", flat=True))

    assert (code, summary["fixed"]) == (1, 1)
    assert [tuple(issue.values()) for issue in issues] == [
        (1, "email", "not_normalized"),
        (4, "email", "unreadable", "invalid"),
        (2, "email", "collision", 3),
        (3, "email", "collision", 2),
    ]
    assert stored == ["ada@xn--exmple-cua.com", *emails[1:]]


def test_second_apply_reports_collisions_only():
    write_row(1, username="Ada")
    write_row(2, username="bob")
    write_row(3, username="BOB")
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


def test_apply_that_fixes_everything_succeeds():
    write_row(1, username="Ada", phone="+1 212 555 2368")

    code, _issues, summary = adopt("--apply")

    assert code == 0
    assert summary["fixed"] == 2


def test_apply_leaves_number_verified():
    write_row(1, username="ada", phone="+1 212 555 2368")
    user_model().objects.update(phone_verified=True)

    adopt("--apply")

    ada = user_model().objects.get()
    assert (ada.held_value, ada.phone_verified, ada.auth_epoch) == (
        "+12125552368",
        True,
        0,
    )


def test_three_equal_values_each_name_another_row():
    for pk, name in enumerate(["ADA", "Ada", "ada"], start=1):
        write_row(pk, username=name)

    _code, issues, _summary = adopt()

    assert [(i["pk"], i["detail"]) for i in issues] == [(1, 3), (2, 1), (3, 1)]


def test_report_names_rows_and_no_values():
    write_row(1, username="eve@example.com", phone="+1 (212) 555-2368")
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(SystemExit):
        call_command("crudauth_adopt", stdout=out, stderr=err)

    assert out.getvalue().splitlines() == [
        "1: username can't be read (ambiguous)",
        "1: phone is not normalized",
        "1 rows: 1 values are not normalized, 0 collide, 1 can't be read.",
    ]
    assert err.getvalue() == ""


def test_progress_is_shown_on_a_terminal_only():
    write_row(1, username="ada")
    screen = io.StringIO()
    screen.isatty = lambda: True

    call_command("crudauth_adopt", stdout=io.StringIO(), stderr=screen)

    assert "100% 1 of 1 rows read" in screen.getvalue()


def test_batch_size_of_zero_is_refused():
    with pytest.raises(CommandError) as caught:
        call_command("crudauth_adopt", "--batch-size=0")

    assert caught.value.returncode == 2


def test_value_refused_by_database_is_not_changed():
    write_row(1, username="Ada")
    write_row(2, username="Bob")
    with connection.cursor() as cursor:
        # As a collation that takes two letters for one would.
        cursor.execute(
            "CREATE UNIQUE INDEX one_name ON phone_user"
            " ((username IN ('ada', 'bob'))) WHERE username IN ('ada', 'bob')"
        )

    code, _issues, summary = adopt("--apply")

    assert code == 1
    assert summary["fixed"] == 1
    assert [name for _pk, name, _phone in stored_rows()] == ["ada", "Bob"]


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


def test_interrupted_run_can_be_repeated(audit):
    for pk, name in enumerate(["Ada", "Bob", "Eve", "Zoe"], start=1):
        write_row(pk, username=name)
    list(audit.read())
    next(audit.fix())
    midway = [name for _pk, name, _phone in stored_rows()]

    code, _issues, summary = adopt("--apply")

    assert midway == ["ada", "bob", "Eve", "Zoe"]
    assert (code, summary["fixed"]) == (0, 2)
    assert [name for _pk, name, _phone in stored_rows()] == ["ada", "bob", "eve", "zoe"]


@pytest.mark.parametrize("meanwhile", ["grace", "Grace", "a@example.com"])
def test_value_changed_since_it_was_read_is_not_changed(audit, meanwhile):
    write_row(1, username="Ada")
    list(audit.read())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE phone_user SET username = %s", [meanwhile])

    fixed = sum(audit.fix())

    assert fixed == 0
    assert [name for _pk, name, _phone in stored_rows()] == [meanwhile]


def test_scratch_file_holds_no_values(audit):
    write_row(1, username="Grace", phone="+1 (212) 555-2368")
    list(audit.read())

    written = "".join(audit.digests.iterdump())

    assert written.count("not_normalized") == 2
    assert "grace" not in written.lower()
    assert "5552368" not in written
