"""Public identifiers on MariaDB, where ``\u00e4`` is ``a``; deselected elsewhere."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from crudauth_django.identity.normalize import is_personal
from crudauth_django.users import field_of, user_model, user_shape
from tests.support.client import Browser

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs_mysql,
    pytest.mark.needs_chosen_name,
]

PUBLIC_IDENTIFIERS = [
    n
    for n in user_shape().identifiers
    if n != user_shape().factor and not is_personal(field_of(n))
]


@pytest.mark.parametrize("column", PUBLIC_IDENTIFIERS)
def test_lookalike_identifier_is_refused_as_taken(ada, bob, column):
    ada.register()
    value = ada.stored(column).replace("a", "\u00e4").replace("e-", "\u00e9-")

    same = bob.register(**{column: ada.stored(column)})
    lookalike = bob.register(**{column: value})

    assert lookalike.status_code == HTTPStatus.BAD_REQUEST
    assert list(lookalike.data) == [column]
    assert lookalike.data == same.data
    assert user_model().objects.count() == 1
    assert Browser().log_in(value).status_code == HTTPStatus.UNAUTHORIZED
