"""Public identifiers, such as user names: an error says if one is taken."""

from http import HTTPStatus

import pytest

from crudauth_django.identity.normalize import is_personal
from crudauth_django.users import field_of, user_model, user_shape

pytestmark = [pytest.mark.django_db, pytest.mark.needs_chosen_name]

PUBLIC_IDENTIFIERS = [
    n
    for n in user_shape().identifiers
    if n != user_shape().factor and not is_personal(field_of(n))
]


@pytest.mark.parametrize("name", PUBLIC_IDENTIFIERS)
def test_taken_identifier_is_refused_in_every_form(ada, bob, name):
    ada.register()

    for text in (ada.stored(name), ada.typed(name)):
        response = bob.register(**{name: text})

        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert list(response.data) == [name]
    assert user_model().objects.count() == 1


@pytest.mark.parametrize("name", PUBLIC_IDENTIFIERS)
def test_taken_identifier_error_hides_other_taken_values(ada, bob, eve, outbox, name):
    ada.register()
    bob.register()
    outbox.clear()

    beside_free = eve.register(**{name: ada.stored(name)})
    others = {n: bob.stored(n) for n in user_shape().columns if n != name}
    beside_taken = eve.register(**{**others, name: ada.stored(name)})

    assert beside_free.status_code == HTTPStatus.BAD_REQUEST
    assert beside_free.data == beside_taken.data
    assert outbox == []
