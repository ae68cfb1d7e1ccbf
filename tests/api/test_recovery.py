"""Verify and reset over HTTP, beside what ``tests/behaviour`` does for each shape."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.security.redemption import RESET, VERIFY
from crudauth_django.security.tokens import make_token
from crudauth_django.users import user_model
from tests.support.dispatchers import RecordingDispatcher

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
UNKNOWN = "+12125559999"
REQUESTS = ["/email/verify-request", "/password/reset-request"]


@pytest.fixture
def dispatched(settings) -> list[PendingMessage]:
    """The messages that requests hand to the dispatcher."""
    RecordingDispatcher.messages.clear()
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.RecordingDispatcher"
    return RecordingDispatcher.messages


def request_message(api, path, value=VALUE):
    return api.post(path, {"phone": value})


def statements_on_users(queries) -> list[str]:
    table = user_model()._meta.db_table
    return [
        query["sql"].partition(" ")[0]
        for query in queries.captured_queries
        if f'"{table}"' in query["sql"]
    ]


def test_recipe_steps_work_in_order(api, outbox):
    registered = api.post(
        "/register",
        {"username": "neo", "phone": "+15551234567", "password": "a-strong-one"},
    )
    logged_in = api.post(
        "/login",
        "username=neo&password=a-strong-one",
        content_type="application/x-www-form-urlencoded",
    )
    before = api.get("/gated-api")
    verified = api.verify(outbox[0].token)
    after = api.get("/gated-api")
    requested = request_message(api, "/password/reset-request", "+1 555 123 4567")
    reset = api.reset_password(outbox[-1].token, "a-new-strong-one")

    assert registered.status_code == HTTPStatus.ACCEPTED
    assert logged_in.status_code == HTTPStatus.OK
    assert before.status_code == HTTPStatus.FORBIDDEN
    assert verified.status_code == HTTPStatus.OK
    assert after.status_code == HTTPStatus.OK
    assert requested.status_code == HTTPStatus.OK
    assert reset.status_code == HTTPStatus.OK
    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert [intent.kind for intent in outbox] == [
        "verify_recovery",
        "reset_password",
        "password_changed",
    ]


@pytest.mark.parametrize("path", REQUESTS)
def test_request_statements_are_equal_for_unknown_value(api, ada, dispatched, path):
    request_message(api, path, UNKNOWN)  # starts the network's count
    dispatched.clear()
    statements = []
    for value in (VALUE, UNKNOWN):
        with CaptureQueriesContext(connection) as queries:
            response = request_message(api, path, value)
        assert list(response.json()) == ["detail"]
        assert statements_on_users(queries) == []
        statements.append([q["sql"].partition(" ")[0] for q in queries])

    assert [message.value for message in dispatched] == [VALUE, UNKNOWN]
    assert statements[0] == statements[1]


def test_request_signed_in_does_not_query_users(api, ada, dispatched):
    api.log_in()

    with CaptureQueriesContext(connection) as queries:
        request_message(api, "/email/verify-request")

    assert statements_on_users(queries) == []
    assert dispatched[-1].user_pk == str(ada.pk)


def test_queued_message_has_no_secret(api, ada, dispatched):
    request_message(api, "/password/reset-request")

    (message,) = dispatched
    assert message.to_dict().keys() == {
        "kind",
        "value",
        "user_pk",
        "cause",
        "language",
        "id",
        "requested_at",
        "attempt",
        "due_at",
        "channels",
        "failures",
    }
    assert message.value == VALUE


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
def test_request_malformed_value_is_named_and_not_queued(api, dispatched, path, body):
    response = api.post(path, body)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.json()) == ["phone"]
    assert dispatched == []


def test_request_for_inactive_account_sends_nothing(api, ada, outbox):
    user_model().objects.update(is_active=False)

    for path in REQUESTS:
        request_message(api, path)

    assert outbox == []


def test_reset_opens_no_session(api, ada):
    response = api.reset_password(make_token(RESET.purpose, ada))

    assert response.status_code == HTTPStatus.OK
    assert list(response.json()) == ["detail"]
    assert "sessionid" not in response.cookies


@pytest.mark.parametrize(
    "weak", ["short", "password1", "12125552368", "x" * 4097, "", None, "nul\0 nul"]
)
def test_reset_refused_password_leaves_token_valid(api, ada, weak):
    token = make_token(RESET.purpose, ada)

    refused = api.reset_password(token, weak)

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert list(refused.json()) == ["new_password"]
    assert not weak or weak not in refused.content.decode().replace("too short", "")
    assert api.reset_password(token).status_code == HTTPStatus.OK


def test_reset_redeems_older_token_and_voids_newer(api, ada, outbox):
    request_message(api, "/password/reset-request")
    request_message(api, "/password/reset-request")
    older, newer = outbox[0].token, outbox[1].token

    statuses = [api.reset_password(t).status_code for t in (older, older, newer)]

    assert statuses == [HTTPStatus.OK, *[HTTPStatus.BAD_REQUEST] * 2]


@pytest.mark.parametrize(
    "token",
    ["x", "A" * 30, "A" * 201, "é" * 20, "x" * 1_000_000],
    ids=lambda token: token[:3],
)
def test_confirm_refuses_every_bad_token_with_one_response(api, ada, token):
    redeemed = make_token(VERIFY.purpose, ada)
    api.verify(redeemed)

    responses = [api.verify(token), api.verify(redeemed), api.reset_password(token)]

    assert {r.status_code for r in responses} == {HTTPStatus.BAD_REQUEST}
    assert {r.content for r in responses} == {responses[0].content}
    assert responses[0].json()["code"] == "invalid_token"


def test_verification_needs_no_session_middleware(api, ada, outbox, settings):
    request_message(api, "/email/verify-request")
    unused = ("SessionMiddleware", "AuthenticationMiddleware", "MessageMiddleware")
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if not m.endswith(unused)]

    response = api.verify(outbox[-1].token)

    assert response.status_code == HTTPStatus.OK
