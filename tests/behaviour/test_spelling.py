"""What can't be a value of an identity column, whatever the shape."""

from http import HTTPStatus

import pytest
from django.core.exceptions import ValidationError

from crudauth_django.identity.normalize import is_personal, normalize
from crudauth_django.users import field_of, user_model, user_shape

pytestmark = pytest.mark.django_db

UNPRINTABLE = {
    "NUL": "\x00",
    "line feed": "\n",
    "right-to-left override": "\u202e",
    "right-to-left mark": "\u200f",
    "isolate": "\u2066",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "soft hyphen": "\u00ad",
    "private use": "\ue000",
    "line separator": "\u2028",
}


@pytest.mark.parametrize("column", user_shape().columns)
@pytest.mark.parametrize("letter", UNPRINTABLE.values(), ids=UNPRINTABLE)
def test_an_invisible_character_is_refused_by_name(ada, column, letter):
    value = ada.stored(column)

    answer = ada.register(**{column: value[:1] + letter + value[1:]})

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == [column]
    assert not user_model().objects.exists()


@pytest.mark.parametrize("column", user_shape().columns)
@pytest.mark.parametrize("value", [None, [], {}, 7, True, "", " ", "\ud800", "x" * 999])
def test_what_is_no_value_is_refused_by_name(ada, column, value):
    answer = ada.register(**{column: value})

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == [column]
    assert not user_model().objects.exists()


@pytest.mark.parametrize("column", user_shape().columns)
def test_two_spellings_are_one_value(ada, column):
    spelled = {
        normalize(field_of(column), text)
        for text in (ada.stored(column), ada.typed(column))
    }

    assert spelled == {ada.stored(column)}


@pytest.mark.parametrize("column", user_shape().identifiers)
def test_no_chosen_name_looks_like_somebodys_address(column):
    field = field_of(column)
    if is_personal(field):
        accepted = ["ada@example.com"] if column == "email" else ["+12125552368"]
    else:
        accepted = []
    looks = [
        "ada@example.com",
        "\uff21da@example.com",
        "+12125552368",
        "+1 (212) 555-2368",
    ]

    for text in looks:
        try:
            spelled = normalize(field, text)
        except ValidationError:
            continue
        assert spelled in accepted
