"""Names that somebody chose, which are no secret: taken ones are said to be."""

from http import HTTPStatus

import pytest

from crudauth_django.identity.normalize import is_personal
from crudauth_django.users import field_of, user_model, user_shape

pytestmark = [pytest.mark.django_db, pytest.mark.needs_chosen_name]

NAMES = [
    n
    for n in user_shape().identifiers
    if n != user_shape().factor and not is_personal(field_of(n))
]


@pytest.mark.parametrize("name", NAMES)
def test_a_taken_name_is_refused_in_every_spelling(ada, bob, name):
    ada.register()

    for text in (ada.stored(name), ada.typed(name)):
        answer = bob.register(**{name: text})

        assert answer.status_code == HTTPStatus.BAD_REQUEST
        assert list(answer.data) == [name]
    assert user_model().objects.count() == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_taken_name_is_refused_before_anything_else_shows(
    ada, bob, eve, outbox, name
):
    ada.register()
    bob.register()
    outbox.clear()

    beside_free = eve.register(**{name: ada.stored(name)})
    others = {n: bob.stored(n) for n in user_shape().columns if n != name}
    beside_taken = eve.register(**{**others, name: ada.stored(name)})

    assert beside_free.status_code == HTTPStatus.BAD_REQUEST
    assert beside_free.data == beside_taken.data
    assert outbox == []
