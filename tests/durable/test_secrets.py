"""Traces in database and log, after every kind of message and of failure."""

from __future__ import annotations

from http import HTTPStatus

import pytest

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
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.providers import serving
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

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


class Client(Browser):
    """An API client, which reads its tokens from the provider."""

    def __init__(self, url, provider):
        super().__init__(url)
        self._provider = provider

    def post(self, path, body, **options):
        response = super().post(path, body, **options)
        assert response.status_code == HTTPStatus.OK, response.text
        return response

    def token(self, kind, to):
        def sent():
            return [
                message["token"]
                for message in list(self._provider.accepted)
                if (message["kind"], message["to"]) == (kind, to)
            ]

        return eventually(sent)[-1]

    def wait_for_notice(self, kind):
        eventually(lambda: kind in {m["kind"] for m in list(self._provider.accepted)})


def reset(client, number):
    client.post("/password/reset-request", {"phone": phone(number)})
    token = client.token("reset_password", phone(number))
    client.reset_password(token)
    client.wait_for_notice("password_changed")


def change(client, number):
    token = client.token("verify_recovery", phone(number))
    client.verify(token)
    client.log_in(f"neo{number}")
    client.post("/email/change-request", {"new_phone": NEW_PHONE, "password": PASSWORD})
    token = client.token("change_recovery", NEW_PHONE)
    client.post("/email/change-confirm", {"token": token})
    client.wait_for_notice("recovery_changed")


def test_reset_change_and_failing_channel_leave_no_secret(env, log, provider, database):
    with (
        parts.serve("gunicorn-sync", env=env, log=log) as url,
        serving(provider),
        working(env=env, log=log),
    ):
        client = Client(url, provider)
        values = register(url, range(3)) | {NEW_PHONE}
        reset(client, 0)
        change(client, 1)
        eventually(lambda: rows_left(database) == 0)
        # A task is stored as finished after its outbox entry is deleted.
        eventually(lambda: finished(database) >= len(provider.accepted))
    stored, log_text = all_rows(database), log.read_text()
    secrets = {m["token"] for m in provider.accepted} - {None}
    secrets |= {PASSWORD, NEW_PASSWORD}
    rows = [row for found in stored.values() for row in found]
    # A replaced value is stored for a day, to send it notices.
    personal = {"phone_user", "crudauth_formervalue"}
    rows_without_users = [
        row for name, found in stored.items() if name not in personal for row in found
    ]

    assert {m["kind"] for m in provider.accepted} == {
        *("verify_recovery", "reset_password", "change_recovery"),
        *("password_changed", "recovery_changed"),
    }
    for reason in ("DeliveryFailed", "RuntimeError", "DeliveryRejected"):
        assert reason in log_text
    assert stored["crudauth_delivery_log_loggeddelivery"]
    assert stored["django_tasks_database_dbtaskresult"]
    assert [s for s in secrets if any(s in row for row in rows)] == []
    assert [s for s in secrets if s in log_text] == []
    assert [v for v in values if any(v[1:] in row for row in rows_without_users)] == []
    assert [v for v in values if v[1:] in log_text] == []
