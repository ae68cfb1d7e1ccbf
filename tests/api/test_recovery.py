"""Verify and reset, over HTTP: request, message, confirmation."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from rest_framework.test import APIClient

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import Dispatcher
from crudauth_django.security.redemption import RESET, VERIFY
from crudauth_django.security.tokens import make_token
from crudauth_django.users import user_model
from tests.conftest import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
NOBODY = "+12125559999"
REQUESTS = ["/email/verify-request", "/password/reset-request"]
CONFIRMS = ["/email/verify-confirm", "/password/reset-confirm"]


class Keeping(Dispatcher):
    """Keeps every question: what is left is what the request itself did."""

    kept: ClassVar[list[PendingMessage]] = []

    def dispatch(self, question: PendingMessage) -> None:
        self.kept.append(question)


@pytest.fixture
def kept(settings) -> list[PendingMessage]:
    Keeping.kept.clear()
    settings.CRUDAUTH_DISPATCHER = "tests.api.test_recovery.Keeping"
    return Keeping.kept


def ask(api, path, value=VALUE):
    return api.post(path, {"phone": value}, format="json")


def verify(api, token):
    return api.post("/email/verify-confirm", {"token": token}, format="json")


def reset(api, token, new=NEW_PASSWORD):
    body = {"token": token, "new_password": new}
    return api.post("/password/reset-confirm", body, format="json")


def log_in(password=PASSWORD):
    api = APIClient()
    body = {"username": "ada", "password": password}
    return api, api.post("/login", body, format="json")


def touching_users(queries) -> list[str]:
    table = user_model()._meta.db_table
    return [
        query["sql"].partition(" ")[0]
        for query in queries.captured_queries
        if f'"{table}"' in query["sql"]
    ]


@pytest.mark.parametrize("path", REQUESTS)
def test_a_request_says_the_same_to_everyone(api, ada, path):
    known, unknown = ask(api, path), ask(api, path, NOBODY)

    assert known.status_code == unknown.status_code == HTTPStatus.OK
    assert known.json() == unknown.json()
    assert list(known.json()) == ["detail"]
    assert known.headers == unknown.headers


@pytest.mark.parametrize("path", REQUESTS)
def test_a_request_never_touches_the_user_table(api, ada, kept, path):
    ask(api, path, NOBODY)  # begins the network's count
    kept.clear()
    statements = []
    for value in (VALUE, NOBODY):
        with CaptureQueriesContext(connection) as queries:
            ask(api, path, value)
        assert touching_users(queries) == []
        statements.append([q["sql"].partition(" ")[0] for q in queries])

    assert [question.value for question in kept] == [VALUE, NOBODY]
    assert statements[0] == statements[1]


def test_a_request_of_somebody_signed_in_never_touches_the_user_table(ada, kept):
    api, _login = log_in()

    with CaptureQueriesContext(connection) as queries:
        ask(api, "/email/verify-request")

    assert touching_users(queries) == []
    assert kept[-1].user_pk == str(ada.pk)


def test_the_queue_carries_no_secret(api, ada, kept):
    ask(api, "/password/reset-request")

    (question,) = kept
    assert question.to_dict().keys() == {
        "kind",
        "value",
        "user_pk",
        "language",
        "id",
        "requested_at",
        "attempt",
        "due_at",
        "channels",
    }
    assert question.value == VALUE


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(
    "spelling", ["+1 212 555 2368", "+1 (212) 555-2368", " +12125552368 "]
)
def test_a_request_takes_any_spelling(api, ada, outbox, path, spelling):
    ask(api, path, spelling)

    assert [intent.recipient for intent in outbox] == [VALUE]


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": ""},
        {"phone": None},
        {"phone": "what"},
        {"phone": 12125552368},
        {"phone": [VALUE]},
        {"phone": "+1212\x005552368"},
        {"phone": "1" * 1_000_000},
        {"email": VALUE},
    ],
    ids=lambda body: repr(body)[:30],
)
def test_a_malformed_value_is_named(api, kept, path, body):
    answer = api.post(path, body, format="json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.json()) == ["phone"]
    assert kept == []


def test_a_verification_is_spent_once(api, ada, outbox):
    ask(api, "/email/verify-request")
    token = outbox[0].token

    first, second = verify(api, token), verify(api, token)

    ada.refresh_from_db()
    assert first.status_code == HTTPStatus.OK
    assert ada.is_recovery_verified
    assert second.status_code == HTTPStatus.BAD_REQUEST
    assert second.json()["code"] == "invalid_token"


def test_a_verified_account_gets_no_verification(api, ada, outbox):
    user_model().objects.update(phone_verified=True)

    ask(api, "/email/verify-request")

    assert outbox == []


def test_a_closed_account_gets_nothing(api, ada, outbox):
    user_model().objects.update(is_active=False)

    for path in REQUESTS:
        ask(api, path)

    assert outbox == []


def test_a_reset_sets_the_password_once_and_ends_every_session(api, ada, outbox):
    session, login = log_in()
    assert login.status_code == HTTPStatus.OK
    ask(api, "/password/reset-request")
    token = outbox[0].token

    first, second = reset(api, token), reset(api, token, new="another good one")

    assert first.status_code == HTTPStatus.OK
    assert list(first.json()) == ["detail"]
    assert second.status_code == HTTPStatus.BAD_REQUEST
    assert session.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert log_in()[1].status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(NEW_PASSWORD)[1].status_code == HTTPStatus.OK


def test_a_reset_proves_the_factor_that_it_went_to(api, ada):
    reset(api, make_token(RESET.purpose, ada))

    ada.refresh_from_db()
    assert ada.is_recovery_verified


def test_a_reset_opens_no_session(api, ada):
    answer = reset(api, make_token(RESET.purpose, ada))

    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize(
    "weak", ["short", "password1", "12125552368", "x" * 4097, "", None, "nul\0 nul"]
)
def test_a_refused_password_leaves_the_token_alive(api, ada, weak):
    token = make_token(RESET.purpose, ada)

    refused = reset(api, token, new=weak)

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert list(refused.json()) == ["new_password"]
    assert not weak or weak not in refused.content.decode().replace("too short", "")
    assert reset(api, token).status_code == HTTPStatus.OK


def test_a_newer_token_does_not_kill_an_older_one_but_a_spent_one_does(
    api, ada, outbox
):
    ask(api, "/password/reset-request")
    ask(api, "/password/reset-request")
    older, newer = outbox[0].token, outbox[1].token

    assert reset(api, older).status_code == HTTPStatus.OK
    assert reset(api, newer).status_code == HTTPStatus.BAD_REQUEST


def test_a_changed_password_kills_outstanding_resets(api, ada):
    token = make_token(RESET.purpose, ada)
    ada.set_password(NEW_PASSWORD)
    ada.save()

    assert reset(api, token).status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "token",
    ["x", "A" * 30, "A" * 201, "é" * 20, "x" * 1_000_000],
    ids=lambda token: token[:3],
)
def test_every_bad_token_gets_one_answer(api, ada, token):
    spent = make_token(VERIFY.purpose, ada)
    verify(api, spent)

    answers = [verify(api, token), verify(api, spent), reset(api, token)]

    assert {a.status_code for a in answers} == {HTTPStatus.BAD_REQUEST}
    assert {a.content for a in answers} == {answers[0].content}
    assert answers[0].json()["code"] == "invalid_token"


@pytest.mark.parametrize("path", CONFIRMS)
@pytest.mark.parametrize("token", [None, "", 5, ["x"], {"a": 1}, "\0", "missing"])
def test_a_token_has_to_come_as_a_text(api, path, token):
    body = {"token": token, "new_password": NEW_PASSWORD}
    if token == "missing":
        del body["token"]

    answer = api.post(path, body, format="json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "token" in answer.content.decode() or "code" in answer.json()


@pytest.mark.parametrize("confirm", [verify, reset], ids=["verify", "reset"])
def test_a_confirmation_is_one_select_and_one_update(api, ada, kept, confirm):
    purpose = {verify: VERIFY, reset: RESET}[confirm].purpose
    token = make_token(purpose, ada)

    with CaptureQueriesContext(connection) as queries:
        answer = confirm(api, token)

    assert answer.status_code == HTTPStatus.OK
    assert touching_users(queries) == ["SELECT", "UPDATE"]


@pytest.mark.parametrize("confirm", [verify, reset], ids=["verify", "reset"])
def test_a_token_outlives_a_rotated_key(api, ada, settings, confirm):
    purpose = {verify: VERIFY, reset: RESET}[confirm].purpose
    token = make_token(purpose, ada)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" + "x" * 50

    assert confirm(api, token).status_code == HTTPStatus.OK


def test_a_verified_owner_is_told_of_a_reset(api, ada, outbox):
    user_model().objects.update(phone_verified=True)
    ada.refresh_from_db()

    reset(api, make_token(RESET.purpose, ada))

    assert [(i.kind, i.token, i.recipient) for i in outbox] == [
        ("password_changed", None, VALUE)
    ]


def test_the_messages_language_is_that_of_the_request(api, ada, settings, kept):
    settings.MIDDLEWARE = [
        "django.middleware.locale.LocaleMiddleware",
        *settings.MIDDLEWARE,
    ]

    # The middleware leaves its language to the next request of the thread.
    with translation.override("en"):
        api.post(
            "/password/reset-request",
            {"phone": VALUE},
            format="json",
            headers={"Accept-Language": "pt-br"},
        )

    assert kept[-1].language == "pt-br"
