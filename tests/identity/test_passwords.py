"""Passwords: what is accepted, how they are hashed, when a hash is replaced."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from asgiref.sync import async_to_sync
from django.conf import global_settings
from django.conf import settings as django_settings
from django.contrib.auth.hashers import identify_hasher, make_password
from django.core.exceptions import ValidationError
from django.core.signals import setting_changed

from crudauth_django.identity import passwords
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

MD5 = "django.contrib.auth.hashers.MD5PasswordHasher"
PBKDF2 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
ARGON2 = "django.contrib.auth.hashers.Argon2PasswordHasher"
LENGTH_ONLY = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
]


@contextmanager
def hashers_left_to_the_package():
    """Take back what the test project sets, as if it had set nothing."""
    project = django_settings._wrapped
    chosen = project.PASSWORD_HASHERS
    tell = {"sender": None, "setting": "PASSWORD_HASHERS", "enter": True}
    project._explicit_settings.remove("PASSWORD_HASHERS")
    django_settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    setting_changed.send(**tell, value=None)
    try:
        yield
    finally:
        project._explicit_settings.add("PASSWORD_HASHERS")
        django_settings.PASSWORD_HASHERS = chosen
        setting_changed.send(**tell, value=chosen)


def stored(user) -> str:
    return user_model().objects.values_list("password", flat=True).get(pk=user.pk)


def refused(password: str, **values) -> list[str]:
    user = user_model()(**values)
    with pytest.raises(ValidationError) as caught:
        passwords.clean_password(password, user=user)
    assert password not in str(caught.value) or len(password) < 3
    return [error.code for error in caught.value.error_list]


def test_argon2_is_used_with_no_setting():
    with hashers_left_to_the_package():
        encoded = passwords.make_password(PASSWORD)

        assert encoded.startswith("argon2$argon2id$")
        assert passwords.check_password(PASSWORD, encoded, pytest.fail)


def test_a_new_account_is_hashed_with_argon2():
    with hashers_left_to_the_package():
        bob = user_model().objects.create_user(username="bob", password=PASSWORD)

        assert stored(bob).startswith("argon2$")
        assert bob.check_password(PASSWORD)


def test_a_project_that_sets_its_hashers_is_obeyed(settings):
    settings.PASSWORD_HASHERS = [PBKDF2, ARGON2]

    assert passwords.make_password(PASSWORD).startswith("pbkdf2_sha256$")


def test_no_password_never_matches(ada):
    ada.set_password(None)

    assert not ada.has_usable_password()
    assert not ada.check_password("")
    assert not ada.check_password(None)


def test_a_hash_of_an_older_kind_is_replaced_when_it_matches():
    with hashers_left_to_the_package():
        old = make_password(PASSWORD, hasher="pbkdf2_sha256")
        bob = user_model().objects.create_user(username="bob")
        user_model().objects.filter(pk=bob.pk).update(password=old)
        bob.refresh_from_db()

        assert bob.check_password(PASSWORD)

        assert identify_hasher(stored(bob)).algorithm == "argon2"
        assert bob.password == stored(bob)
        assert bob.check_password(PASSWORD)


def test_a_wrong_password_replaces_nothing():
    with hashers_left_to_the_package():
        old = make_password(PASSWORD, hasher="pbkdf2_sha256")
        bob = user_model().objects.create_user(username="bob")
        user_model().objects.filter(pk=bob.pk).update(password=old)
        bob.refresh_from_db()

        assert not bob.check_password(NEW_PASSWORD)

        assert stored(bob) == old


def test_replacing_an_older_hash_never_overwrites_a_newer_password(ada, settings):
    settings.PASSWORD_HASHERS = [PBKDF2, MD5]
    stale = user_model().objects.get(pk=ada.pk)
    newer = make_password(NEW_PASSWORD)
    user_model().objects.filter(pk=ada.pk).update(password=newer)

    matched = stale.check_password(PASSWORD)

    assert matched
    assert stored(ada) == newer


def test_saving_after_a_hash_was_replaced_leaves_it(ada, settings):
    settings.PASSWORD_HASHERS = [PBKDF2, MD5]
    ada.check_password(PASSWORD)

    ada.save()

    assert stored(ada).startswith("pbkdf2_sha256$")


def test_a_password_is_compared_in_its_canonical_form(ada):
    ada.set_password("\ufb01ve caf\u00e9s")

    assert ada.check_password("five cafe\u0301s")
    assert ada.check_password("\ufb01ve caf\u00e9s")
    assert not ada.check_password("five cafes")


def test_a_hash_from_before_nfkc_matches_as_typed_and_is_made_anew(ada):
    typed = "\ufb01ve caf\u00e9s"
    user_model().objects.filter(pk=ada.pk).update(password=make_password(typed))
    ada.refresh_from_db()

    assert ada.check_password(typed)

    assert ada.check_password(passwords.canonical_password(typed))


def test_spaces_are_part_of_a_password(ada):
    ada.set_password("  spaces kept  ")

    assert ada.check_password("  spaces kept  ")
    assert not ada.check_password("spaces kept")


def test_an_asynchronous_check_is_the_same_check(ada):
    with_db = async_to_sync(ada.acheck_password)

    assert with_db(PASSWORD)
    assert not with_db(NEW_PASSWORD)


@pytest.mark.parametrize("encoded", [None, "", "!unusable", "not a hash"])
def test_what_is_no_hash_matches_nothing(encoded):
    assert not passwords.check_password(PASSWORD, encoded, pytest.fail)


@pytest.mark.parametrize("password", ["", "seven77", "x" * 4097])
def test_a_password_has_8_to_4096_characters(password):
    assert refused(password) == ["password_length"]


@pytest.mark.parametrize("password", ["eight&88", "y" * 4096])
def test_the_bounds_of_the_length_are_allowed(password):
    cleaned = passwords.clean_password(password, user=user_model()())

    assert cleaned == password


def test_the_length_is_that_of_the_canonical_form():
    # Seven letters, of which NFKC makes nine.
    cleaned = passwords.clean_password("\ufb03 q w Z", user=user_model()())

    assert cleaned == "ffi q w Z"


def test_a_common_password_is_refused():
    assert refused("password1") == ["password_too_common"]


@pytest.mark.parametrize(
    ("password", "values"),
    [
        ("lovelace1815", {"username": "lovelace1815"}),
        ("12125552368", {"phone": "+12125552368"}),
        ("+12125552368", {"phone": "+12125552368"}),
        ("2125552368", {"phone": "+12125552368"}),
    ],
)
def test_a_password_like_the_accounts_own_values_is_refused(password, values):
    assert refused(password, **values) == ["password_too_similar"]


def test_a_project_that_sets_its_validators_is_obeyed(settings):
    settings.AUTH_PASSWORD_VALIDATORS = LENGTH_ONLY

    cleaned = passwords.clean_password("password1", user=user_model()())

    assert cleaned == "password1"


def test_the_bounds_hold_whatever_the_validators_are(settings):
    settings.AUTH_PASSWORD_VALIDATORS = [
        {
            "NAME": LENGTH_ONLY[0]["NAME"],
            "OPTIONS": {"min_length": 1},
        }
    ]

    assert refused("seven77") == ["password_length"]


def test_a_projects_validators_see_the_accounts_values(settings):
    name = "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": name}]

    assert refused("lovelace1815", username="lovelace1815") == ["password_too_similar"]
