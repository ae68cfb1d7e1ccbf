"""A shape without a recovery factor has nothing to verify, reset or change."""

from http import HTTPStatus

import pytest

from crudauth_django.users import user_shape
from tests.support.client import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.needs_no_factor]


@pytest.mark.parametrize(
    "path",
    [
        "/email/verify-request",
        "/email/verify-confirm",
        "/password/reset-request",
        "/password/reset-confirm",
        "/email/change-request",
        "/email/change-confirm",
    ],
)
def test_there_are_no_recovery_endpoints(path):
    assert Browser().post(path).status_code == HTTPStatus.NOT_FOUND


def test_registration_answers_with_the_account(ada, outbox):
    answer = ada.register()

    assert answer.status_code == HTTPStatus.CREATED
    assert answer.data == {
        "id": ada.account.pk,
        **{name: ada.stored(name) for name in user_shape().identifiers},
    }
    assert outbox == []


def test_nobody_passes_the_gate_of_the_verified(unverified_ada):
    assert unverified_ada.browser.get("/gated-api").status_code == HTTPStatus.FORBIDDEN


def test_requiring_verified_logins_locks_nobody_out(ada, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    ada.register()

    assert ada.log_in().status_code == HTTPStatus.OK
