"""A name that could be read as somebody's number, where one logs in with both."""

import pytest
from django.core.exceptions import ValidationError

from crudauth_django.identity.normalize import normalize
from crudauth_django.users import field_of, user_model


@pytest.fixture
def both_identify(monkeypatch):
    """The recipe's shape, logging in by phone, too."""
    monkeypatch.setattr(user_model(), "LOGIN_IDENTIFIERS", ("username", "phone"))


@pytest.mark.parametrize("name", ["030123", "1-2-3-4-5-6", "12125552368"])
def test_what_a_project_reads_as_a_number_is_no_name(both_identify, settings, name):
    settings.PHONENUMBER_DEFAULT_REGION = "DE"

    with pytest.raises(ValidationError) as refused:
        normalize(field_of("username"), name)

    assert refused.value.code == "ambiguous"


@pytest.mark.parametrize("name", ["eve+12125552368", "ada.2125552368", "1-800-flowers"])
def test_what_only_ends_in_a_number_is_a_name_and_no_number(
    both_identify, settings, name
):
    settings.PHONENUMBER_DEFAULT_REGION = "US"

    assert normalize(field_of("username"), name) == name
    with pytest.raises(ValidationError):
        normalize(field_of("phone"), name)


@pytest.mark.parametrize(
    "text",
    [
        "+12125552368",
        "+1 (212) 555-2368",
        "(+1) 212.555.2368",
        "+1\u2011212\u2011555\u20112368",
        "\uff0b\uff11 212\u00a0555 2368",
        "+1/212/555/2368",
    ],
)
def test_a_number_has_many_spellings(text):
    assert normalize(field_of("phone"), text) == "+12125552368"
