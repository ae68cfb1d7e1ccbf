"""A shape without a recovery factor has nothing to verify, reset or change."""

from http import HTTPStatus

import pytest
from django.core.exceptions import ImproperlyConfigured

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
def test_recovery_endpoints_do_not_exist(path):
    assert Browser().post(path).status_code == HTTPStatus.NOT_FOUND


def test_registration_returns_account(ada, outbox):
    response = ada.register()

    assert response.status_code == HTTPStatus.CREATED
    assert response.data == {
        "id": ada.account.pk,
        **{name: ada.stored(name) for name in user_shape().identifiers},
    }
    assert outbox == []


@pytest.mark.urls("tests.support.urls")
@pytest.mark.parametrize("page", ["/gated-api", "/gated-page"])
def test_view_for_verified_accounts_names_the_mistake(ada, page):
    ada.register()
    ada.log_in()

    with pytest.raises(ImproperlyConfigured, match="Set RECOVERY_FACTOR"):
        ada.browser.get(page)


def test_requiring_verified_login_does_not_stop_login(ada, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    ada.register()

    assert ada.log_in().status_code == HTTPStatus.OK
