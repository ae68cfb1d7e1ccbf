"""Passwords: validation, hashes, and the replacement of old hashes."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.hashers import identify_hasher, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from crudauth_django.identity import passwords
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.hashers import default_hashers

pytestmark = pytest.mark.django_db

MD5 = "django.contrib.auth.hashers.MD5PasswordHasher"
PBKDF2 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
ARGON2 = "django.contrib.auth.hashers.Argon2PasswordHasher"
LENGTH_ONLY = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
]


def stored(user) -> str:
    return user_model().objects.values_list("password", flat=True).get(pk=user.pk)


def refusal_codes(password: str, **values) -> list[str]:
    user = user_model()(**values)
    with pytest.raises(ValidationError) as caught:
        passwords.clean_password(password, user=user)
    assert password not in str(caught.value) or len(password) < 3
    return [error.code for error in caught.value.error_list]


def test_default_hasher_is_argon2():
    with default_hashers():
        encoded = passwords.make_password(PASSWORD)

        assert encoded.startswith("argon2$argon2id$")
        assert passwords.check_password(PASSWORD, encoded, pytest.fail)


def test_create_user_hashes_with_argon2():
    with default_hashers():
        bob = user_model().objects.create_user(username="bob", password=PASSWORD)

        assert stored(bob).startswith("argon2$")
        assert bob.check_password(PASSWORD)


def test_hashers_setting_is_obeyed(settings):
    settings.PASSWORD_HASHERS = [PBKDF2, ARGON2]

    assert passwords.make_password(PASSWORD).startswith("pbkdf2_sha256$")


def test_unusable_password_never_matches(ada):
    ada.set_password(None)

    assert not ada.has_usable_password()
    assert not ada.check_password("")
    assert not ada.check_password(None)


def test_old_hash_is_replaced_when_password_matches():
    with default_hashers():
        old = make_password(PASSWORD, hasher="pbkdf2_sha256")
        bob = user_model().objects.create_user(username="bob")
        user_model().objects.filter(pk=bob.pk).update(password=old)
        bob.refresh_from_db()

        assert bob.check_password(PASSWORD)

        assert identify_hasher(stored(bob)).algorithm == "argon2"
        assert bob.password == stored(bob)
        assert bob.check_password(PASSWORD)


def test_old_hash_stays_when_password_is_wrong():
    with default_hashers():
        old = make_password(PASSWORD, hasher="pbkdf2_sha256")
        bob = user_model().objects.create_user(username="bob")
        user_model().objects.filter(pk=bob.pk).update(password=old)
        bob.refresh_from_db()

        assert not bob.check_password(NEW_PASSWORD)

        assert stored(bob) == old


def test_old_hash_does_not_replace_a_newer_password(ada, settings):
    settings.PASSWORD_HASHERS = [PBKDF2, MD5]
    stale = user_model().objects.get(pk=ada.pk)
    newer = make_password(NEW_PASSWORD)
    user_model().objects.filter(pk=ada.pk).update(password=newer)

    matched = stale.check_password(PASSWORD)

    assert matched
    assert stored(ada) == newer


def test_save_after_hash_was_replaced_writes_no_old_hash(ada, settings):
    settings.PASSWORD_HASHERS = [PBKDF2, MD5]
    ada.check_password(PASSWORD)

    ada.save()

    assert stored(ada).startswith("pbkdf2_sha256$")


def test_password_is_compared_normalized(ada):
    ada.set_password("\ufb01ve caf\u00e9s")

    assert ada.check_password("five cafe\u0301s")
    assert ada.check_password("\ufb01ve caf\u00e9s")
    assert not ada.check_password("five cafes")


def test_hash_of_unnormalized_password_matches_and_is_replaced(ada):
    typed = "\ufb01ve caf\u00e9s"
    user_model().objects.filter(pk=ada.pk).update(password=make_password(typed))
    ada.refresh_from_db()

    assert ada.check_password(typed)

    assert ada.check_password(passwords.canonical_password(typed))


def test_password_includes_spaces_at_both_ends(ada):
    ada.set_password("  spaces kept  ")

    assert ada.check_password("  spaces kept  ")
    assert not ada.check_password("spaces kept")


def test_acheck_password_agrees_with_check_password(ada):
    check_password = async_to_sync(ada.acheck_password)

    assert check_password(PASSWORD)
    assert not check_password(NEW_PASSWORD)


@pytest.mark.parametrize("encoded", [None, "", "!unusable", "not a hash"])
def test_malformed_hash_matches_no_password(encoded):
    assert not passwords.check_password(PASSWORD, encoded, pytest.fail)


@pytest.mark.parametrize("password", ["", "seven77", "x" * 4097])
def test_password_outside_length_bounds_is_refused(password):
    assert refusal_codes(password) == ["password_length"]


@pytest.mark.parametrize("password", ["eight&88", "y" * 4096])
def test_password_at_length_bounds_is_accepted(password):
    cleaned = passwords.clean_password(password, user=user_model()())

    assert cleaned == password


@pytest.mark.parametrize(
    "blank",
    [" ", "\t", "\u3000", "\u3164", "\u200b", "\u2800", " \u00a0\ufe0f"],
    ids=ascii,
)
def test_password_of_blanks_only_is_refused(blank):
    assert refusal_codes(blank * 8) == ["password_blank"]


@pytest.mark.parametrize(
    "password",
    ["       xy", "a b c d e", "\u3164\u3164\u3164\u3164\u3164\u3164\u3164x"],
)
def test_password_with_spaces_is_accepted(password):
    cleaned = passwords.clean_password(password, user=user_model()())

    assert cleaned == passwords.canonical_password(password)


def test_password_length_is_counted_normalized():
    # Seven letters, of which NFKC makes nine.
    cleaned = passwords.clean_password("\ufb03 q w Z", user=user_model()())

    assert cleaned == "ffi q w Z"


def test_list_of_common_passwords_is_read_once(monkeypatch):
    refusal_codes("password1")

    def read_again(_validator) -> None:
        raise AssertionError("the list is read again")

    monkeypatch.setattr(CommonPasswordValidator, "__init__", read_again)

    assert refusal_codes("password1") == ["password_too_common"]


def test_common_password_is_refused():
    assert refusal_codes("password1") == ["password_too_common"]


@pytest.mark.parametrize(
    ("password", "values"),
    [
        ("lovelace1815", {"username": "lovelace1815"}),
        ("12125552368", {"phone": "+12125552368"}),
        ("+12125552368", {"phone": "+12125552368"}),
        ("2125552368", {"phone": "+12125552368"}),
    ],
)
def test_password_like_own_values_is_refused(password, values):
    assert refusal_codes(password, **values) == ["password_too_similar"]


def test_validators_setting_is_obeyed(settings):
    settings.AUTH_PASSWORD_VALIDATORS = LENGTH_ONLY

    cleaned = passwords.clean_password("password1", user=user_model()())

    assert cleaned == "password1"


def test_length_bounds_hold_with_other_validators(settings):
    settings.AUTH_PASSWORD_VALIDATORS = [
        {
            "NAME": LENGTH_ONLY[0]["NAME"],
            "OPTIONS": {"min_length": 1},
        }
    ]

    assert refusal_codes("seven77") == ["password_length"]


def test_validators_of_project_see_own_values(settings):
    name = "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": name}]

    assert refusal_codes("lovelace1815", username="lovelace1815") == [
        "password_too_similar"
    ]
