"""Normalized and refused values of identity columns, for every shape."""

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
    "Hangul filler": "\u3164",
    "half-width Hangul filler": "\uffa0",
    "variation selector": "\ufe0f",
    "Braille blank": "\u2800",
    "unassigned": "\u0378",
    "private use": "\ue000",
    "line separator": "\u2028",
}


@pytest.mark.parametrize("column", user_shape().columns)
@pytest.mark.parametrize("letter", UNPRINTABLE.values(), ids=UNPRINTABLE)
def test_invisible_character_is_refused(ada, column, letter):
    value = ada.stored(column)

    response = ada.register(**{column: value[:1] + letter + value[1:]})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == [column]
    assert not user_model().objects.exists()


@pytest.mark.parametrize("column", user_shape().columns)
@pytest.mark.parametrize("value", [None, [], {}, 7, True, "", " ", "\ud800", "x" * 999])
def test_malformed_value_is_refused(ada, column, value):
    response = ada.register(**{column: value})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == [column]
    assert not user_model().objects.exists()


@pytest.mark.parametrize("column", user_shape().columns)
def test_two_forms_normalize_to_same_value(ada, column):
    normalized = {
        normalize(field_of(column), text)
        for text in (ada.stored(column), ada.typed(column))
    }

    assert normalized == {ada.stored(column)}


@pytest.mark.parametrize("column", user_shape().identifiers)
def test_public_identifier_cannot_look_like_address(column):
    field = field_of(column)
    if is_personal(field):
        accepted = ["ada@example.com"] if column == "email" else ["+12125552368"]
    else:
        accepted = []
    lookalikes = [
        "ada@example.com",
        "\uff21da@example.com",
        "+12125552368",
        "+1 (212) 555-2368",
    ]

    for text in lookalikes:
        try:
            normalized = normalize(field, text)
        except ValidationError:
            continue
        assert normalized in accepted
