"""What is left behind where every kind of message was sent, and some failed."""

from __future__ import annotations

from http import HTTPStatus

import pytest
import requests

from tests.durable.conftest import (
    all_rows,
    environment,
    finished,
    phone,
    register,
    rows_left,
    working,
)
from tests.support import parts
from tests.support.providers import answering
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
NEW_PASSWORD = "a whole new staple"
NEW_PHONE = phone(500)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def env(database, provider):
    gateway = {
        "BACKEND": "tests.support.channels.GatewayChannel",
        "OPTIONS": {"url": provider.url, "timeout": 2},
    }
    talkative = "tests.support.channels.LeakingChannel"
    return environment(
        database=database,
        provider=provider,
        settings={"CRUDAUTH_CHANNELS": [talkative, gateway]},
    )


class People:
    """What people do, with the tokens that the provider was given."""

    def __init__(self, url, provider):
        self._url = url
        self._provider = provider
        self.browser = requests.Session()

    def post(self, path, body):
        token = self.browser.cookies.get("csrftoken", "")
        answer = self.browser.post(
            self._url + path, json=body, headers={"X-CSRFToken": token}, timeout=30
        )
        assert answer.status_code == HTTPStatus.OK, answer.text

    def token(self, kind, to):
        def sent():
            return [
                message["token"]
                for message in list(self._provider.taken)
                if (message["kind"], message["to"]) == (kind, to)
            ]

        eventually(lambda: bool(sent()))
        return sent()[-1]

    def told(self, kind):
        """Wait for a notice."""
        eventually(lambda: kind in {m["kind"] for m in list(self._provider.taken)})


def reset(people, number):
    people.post("/password/reset-request", {"phone": phone(number)})
    token = people.token("reset_password", phone(number))
    people.post(
        "/password/reset-confirm", {"token": token, "new_password": NEW_PASSWORD}
    )
    people.told("password_changed")


def change(people, number):
    token = people.token("verify_recovery", phone(number))
    people.post("/email/verify-confirm", {"token": token})
    people.post("/login", {"username": f"neo{number}", "password": PASSWORD})
    people.post("/email/change-request", {"new_phone": NEW_PHONE, "password": PASSWORD})
    token = people.token("change_recovery", NEW_PHONE)
    people.post("/email/change-confirm", {"token": token})
    people.told("recovery_changed")


def test_a_reset_a_change_and_a_failing_channel_leave_no_secret(
    env, log, provider, database
):
    with (
        parts.serve("gunicorn-sync", env=env, log=log) as url,
        answering(provider),
        working(env=env, log=log),
    ):
        people = People(url, provider)
        values = register(url, range(3)) | {NEW_PHONE}
        reset(people, 0)
        change(people, 1)
        eventually(lambda: rows_left(database) == 0)
        # The last task is stored as finished after its question is closed.
        eventually(lambda: finished(database) >= len(provider.taken))
    stored, written = all_rows(database), log.read_text()
    secrets = {m["token"] for m in provider.taken} - {None}
    secrets |= {PASSWORD, NEW_PASSWORD}
    rows = [row for found in stored.values() for row in found]
    others = [
        row for name, found in stored.items() if name != "phone_user" for row in found
    ]

    assert {m["kind"] for m in provider.taken} == {
        *("verify_recovery", "reset_password", "change_recovery"),
        *("password_changed", "recovery_changed"),
    }
    for reason in ("DeliveryFailed", "RuntimeError", "DeliveryRejected"):
        assert reason in written
    assert stored["crudauth_delivery_log_loggeddelivery"]
    assert stored["django_tasks_database_dbtaskresult"]
    assert [s for s in secrets if any(s in row for row in rows)] == []
    assert [s for s in secrets if s in written] == []
    assert [v for v in values if any(v[1:] in row for row in others)] == []
    assert [v for v in values if v[1:] in written] == []
