"""An async view behind the gate."""

from http import HTTPStatus

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit():
    """Visit the page, signed in as somebody or not."""

    def visit(user=None):
        client = AsyncClient()
        if user is not None:
            client.force_login(user)
        return async_to_sync(client.get)("/gated-async-page")

    return visit


def test_a_stranger_logs_in_first(visit):
    response = visit()

    assert response.status_code == HTTPStatus.FOUND


def test_the_unverified_are_refused(visit, ada):
    assert visit(ada).status_code == HTTPStatus.FORBIDDEN


def test_the_verified_get_through(visit, ada):
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)

    assert visit(ada).status_code == HTTPStatus.OK
