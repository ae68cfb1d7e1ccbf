"""How many statements each operation runs, in the request and off it.

The database is asked once for each question: the counters of one attempt are read in
one statement and counted in another one.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.security.redemption import RESET, VERIFY
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.dispatchers import RecordingDispatcher
from tests.support.temporary import installed

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
UNKNOWN = "+12125559999"
#: Statements that begin or end a transaction.
TRANSACTION = {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"}
#: Of a request's transaction.
ONE_TRANSACTION = ["BEGIN", "COMMIT"]


@pytest.fixture(autouse=True)
def recorded(settings) -> list:
    """The messages that wait after each request."""
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.RecordingDispatcher"
    RecordingDispatcher.messages.clear()
    return RecordingDispatcher.messages


def statements(call: Callable[[], object]) -> list[str]:
    """Return the verb and the table of each statement."""
    with CaptureQueriesContext(connection) as queries:
        call()
    tables = {
        "crudauth_counter": "counters",
        "phone_user": "users",
        "django_session": "sessions",
        "crudauth_formervalue": "former values",
        "crudauth_delivery_log_loggeddelivery": "delivery log",
    }
    found = []
    for query in queries.captured_queries:
        sql = query["sql"]
        named = [name for table, name in tables.items() if f'"{table}"' in sql]
        if sql.split()[0] not in TRANSACTION:
            found.append(f"{sql.split()[0].lower()} {named[0]}")
    return found


def login(browser: Browser, password: str = PASSWORD) -> Callable[[], object]:
    return lambda: browser.log_in("ada", password)


NEW_SESSION = ["select sessions", "insert sessions", "update users", "update sessions"]
ATTEMPT = ["insert counters", "select users", "select counters", "insert counters"]


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_refused_login_runs_four_statements(ada, api, name):
    found = statements(lambda: api.log_in(name, "wrong"))

    assert found == ATTEMPT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_refused_login_reads_equal_number_of_counters(name):
    names = {"LOGIN_IDENTIFIERS": ("username", "phone", "email")}
    phone = PhoneNumberField(unique=True, null=True)
    email = models.EmailField(unique=True, null=True)
    with installed(**names, phone=phone, email=email) as model:
        model.objects.create_user(username="ada", phone=VALUE, password=PASSWORD)

        with CaptureQueriesContext(connection) as queries:
            Browser().log_in(name, "wrong")

    (read,) = (q["sql"] for q in queries.captured_queries if "IN (" in q["sql"])
    assert read.count(":lock") == 6


def test_login_runs_nine_statements(ada, api):
    assert statements(login(api)) == [*ATTEMPT, "update counters", *NEW_SESSION]


def test_login_of_known_device_ends_former_session(ada, api):
    api.log_in("ada")

    found = statements(login(api))

    assert found == [
        *ATTEMPT,
        "delete counters",
        "select sessions",
        *NEW_SESSION[:2],
        "select sessions",
        "delete sessions",
        *NEW_SESSION[2:],
    ]


def test_locking_failure_runs_one_more_statement_for_each_key(ada, api):
    for _ in range(4):
        api.log_in("ada", "wrong")

    # The identifier in this network, and the account.
    assert statements(login(api, "wrong")) == [*ATTEMPT, *["insert counters"] * 2]
    # The throttle of the endpoint counts first.
    assert statements(login(api)) == [
        "insert counters",
        "select users",
        "select counters",
    ]


def test_registration_runs_four_statements(api, recorded):
    body = {"username": "ada", "phone": VALUE, "password": PASSWORD}

    found = statements(lambda: api.post("/register", body))

    assert found == ["insert counters", "select users", "select users", "insert users"]
    assert len(recorded) == 1


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
@pytest.mark.parametrize("value", [VALUE, UNKNOWN])
def test_request_runs_one_statement(ada, api, path, value):
    found = statements(lambda: api.post(path, {"phone": value}))

    assert found == ["insert counters"]


def test_delivery_runs_at_most_five_statements(ada, api, recorded):
    counted = ["insert counters", "insert counters"]
    known: dict[str, list[str]] = {}
    for name in ("verify", "reset"):
        path = {"verify": "/email/verify-request", "reset": "/password/reset-request"}
        for value in (VALUE, UNKNOWN):
            recorded.clear()
            api.post(path[name], {"phone": value})
            (message,) = recorded
            found = statements(lambda message=message: deliver_message(message))
            known[f"{name} {value}"] = [s for s in found if "delivery log" not in s]

    assert known == {
        f"verify {VALUE}": ["select users"] * 2 + counted + ["select users"],
        f"verify {UNKNOWN}": ["select users"] * 2 + counted,
        # The window of the budget has begun.
        f"reset {VALUE}": ["select users"] * 2 + counted[:1],
        f"reset {UNKNOWN}": ["select users"] * 2 + counted[:1],
    }


def test_verification_runs_three_statements(ada):
    token = VERIFY.make_token(ada)

    found = statements(lambda: Browser().verify(token))

    assert found == ["select users", "select users", "update users"]


def test_reset_runs_four_statements(ada):
    token = RESET.make_token(ada)

    found = statements(lambda: Browser().reset_password(token))

    assert found == [
        "select users",
        "update users",
        "select former values",
        "select counters",
    ]
    assert user_model().objects.get().check_password(NEW_PASSWORD)


def test_reset_after_failures_deletes_counters(ada, api):
    api.log_in("ada", "wrong")
    token = RESET.make_token(ada)

    assert statements(lambda: Browser().reset_password(token))[-1] == "delete counters"


def test_account_runs_two_statements(ada, api):
    api.log_in("ada")

    assert statements(lambda: api.get("/me")) == ["select sessions", "select users"]
