"""The user model: what is emitted, what a save writes, who creates accounts."""

from __future__ import annotations

import io
import json

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models
from django.test.utils import CaptureQueriesContext
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.flows import sessions
from crudauth_django.identity.fields import UsernameField
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import find_by_identifier, user_model
from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.temporary import declared, installed

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
OTHER = "+12125552369"


def field(model, name) -> models.Field:
    return model._meta.get_field(name)


def names(model) -> set[str]:
    return {f.name for f in model._meta.fields}


def twice() -> tuple[AbstractAuthUser, AbstractAuthUser]:
    """Read one account two times."""
    return user_model().objects.get(), user_model().objects.get()


def row() -> dict[str, object]:
    return user_model().objects.values().get()


def test_the_recipes_model_gets_what_it_did_not_declare():
    model = user_model()

    assert isinstance(field(model, "username"), UsernameField)
    assert field(model, "username").unique
    assert isinstance(field(model, "phone_verified"), models.BooleanField)
    assert field(model, "phone_verified").default is False
    assert not field(model, "phone_verified").editable
    assert "email" not in names(model)
    assert model.USERNAME_FIELD == "username"
    assert model.EMAIL_FIELD == ""
    assert model.REQUIRED_FIELDS == []


def test_a_claim_has_the_type_of_the_factor_and_nothing_is_required_of_it():
    phone = PhoneNumberField(
        "number",
        unique=True,
        null=True,
        blank=True,
        region="US",
        max_length=40,
        help_text="yours",
        db_column="tel",
        default=None,
    )
    with declared(phone=phone, RECOVERY_FACTOR="phone") as model:
        pending = field(model, "phone_pending")

        assert isinstance(pending, PhoneNumberField)
        assert (pending.region, pending.max_length) == ("US", 40)
        assert pending.null
        assert pending.blank
        assert not pending.unique
        assert not pending.editable
        assert pending.column == "phone_pending"
        assert pending.help_text == ""


def test_an_email_that_is_named_is_emitted():
    with declared(
        LOGIN_IDENTIFIERS=("email", "username"), RECOVERY_FACTOR="email"
    ) as model:
        assert isinstance(field(model, "email"), models.EmailField)
        assert {"email_verified", "email_pending", "username"} <= names(model)
        assert model.USERNAME_FIELD == model.EMAIL_FIELD == "email"
        assert model.REQUIRED_FIELDS == ["username"]


def test_what_is_declared_stays_as_it_is():
    own = models.CharField(max_length=9, unique=True)
    with declared(username=own, email=models.EmailField(unique=True)) as model:
        assert type(field(model, "username")) is models.CharField
        assert field(model, "username").max_length == 9


def test_djangos_names_can_be_set_by_hand():
    with declared(
        EMAIL_FIELD="contact",
        REQUIRED_FIELDS=["contact"],
        contact=models.EmailField(),
    ) as model:
        assert model.EMAIL_FIELD == "contact"
        assert model.REQUIRED_FIELDS == ["contact"]


def test_without_a_factor_there_is_no_bookkeeping():
    with declared(RECOVERY_FACTOR=None) as model:
        user = model(username="bob")

        assert not any(
            name.endswith(("_verified", "_pending")) for name in names(model)
        )
        assert user.recovery_value is None
        assert not user.is_recovery_verified
        assert not model.shape().factor_identifies
        with pytest.raises(ImproperlyConfigured):
            _ = model.shape().verified


def test_a_shape_is_inherited_from_an_abstract_model():
    meta = type("Meta", (), {"abstract": True, "app_label": "phone"})
    base = type(AbstractAuthUser)(
        "Base",
        (AbstractAuthUser,),
        {
            "__module__": __name__,
            "Meta": meta,
            "LOGIN_IDENTIFIERS": ("badge",),
            "RECOVERY_FACTOR": "phone",
            "badge": models.CharField(max_length=9, unique=True),
            "phone": PhoneNumberField(unique=True, null=True, blank=True),
        },
    )

    assert "phone_pending" not in names(base)
    assert base.shape().identifiers == ("badge",)
    assert base.shape().columns == ("badge", "phone")


def test_migrations_are_complete_and_stable():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_an_account_is_created_in_its_one_spelling():
    bob = user_model().objects.create_user(
        username=" BOB ", phone="+1 212 555 2368", password=PASSWORD
    )

    assert (bob.username, bob.held_value) == ("bob", VALUE)
    assert row()["username"] == "bob"
    assert bob.check_password(PASSWORD)
    assert str(bob) == "bob"


def test_an_account_without_a_password_cannot_be_logged_in_to():
    bob = user_model().objects.create_user(username="bob")

    assert not bob.has_usable_password()
    assert bob.phone is None
    assert bob.recovery_value is None


def test_an_empty_factor_is_none_and_does_not_collide():
    for name in ("bob", "eve"):
        user_model().objects.create_user(username=name, phone="")

    assert user_model().objects.filter(phone=None).count() == 2


@pytest.mark.parametrize(
    "values",
    [{"username": ""}, {"username": "a@b.example"}, {"username": "bob", "phone": "x"}],
)
def test_a_value_that_cannot_be_spelled_creates_nothing(values):
    with pytest.raises(ValidationError):
        user_model().objects.create_user(**values)

    assert not user_model().objects.exists()


def test_a_value_that_another_account_has_is_the_databases_to_refuse(ada):
    with pytest.raises(IntegrityError):
        user_model().objects.create_user(username="ADA")


def test_a_natural_key_finds_in_any_spelling(ada):
    manager = user_model().objects

    assert manager.get_by_natural_key(" ADA ") == ada
    assert ada.natural_key() == ("ada",)
    for nobody in ("eve", "not a name!", None, ""):
        with pytest.raises(user_model().DoesNotExist):
            manager.get_by_natural_key(nobody)


def test_accounts_go_through_a_fixture_by_their_natural_key(ada):
    dumped = serializers.serialize("json", [ada], use_natural_primary_keys=True)
    assert "pk" not in json.loads(dumped)[0]

    (loaded,) = serializers.deserialize("json", dumped)
    loaded.save()

    assert user_model().objects.get() == ada
    assert user_model().objects.get().held_value == VALUE


def test_a_stale_save_does_not_bring_an_old_password_back(ada):
    stale, fresh = twice()
    fresh.set_password(NEW_PASSWORD)
    fresh.save()

    stale.is_staff = True
    stale.save()

    now = user_model().objects.get()
    assert now.is_staff
    assert now.check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    "columns",
    [
        {"phone": OTHER},
        {"phone_verified": True},
        {"phone_pending": OTHER},
        {"auth_epoch": 5},
        {"username": "lovelace"},
        {"password": "another"},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_a_stale_save_undoes_nothing(ada, columns):
    (stale, _fresh) = twice()
    user_model().objects.update(**columns)
    before = row()

    stale.save()

    assert row() == before


def test_a_full_save_writes_what_was_changed(ada):
    ada.set_password(NEW_PASSWORD)
    ada.username = " Lovelace "
    ada.is_staff = True

    ada.save()

    now = user_model().objects.get()
    assert now.check_password(NEW_PASSWORD)
    assert now.username == ada.username == "lovelace"
    assert now.is_staff


def test_a_change_that_one_save_leaves_out_is_in_the_next(ada):
    ada.set_password(NEW_PASSWORD)
    ada.phone = OTHER
    ada.is_staff = True

    ada.save(update_fields=["is_staff"])
    assert user_model().objects.get().check_password(PASSWORD)
    ada.save()

    now = user_model().objects.get()
    assert now.check_password(NEW_PASSWORD)
    assert now.held_value == OTHER


def test_naming_a_column_writes_it_alone(ada):
    (stale, _fresh) = twice()
    user_model().objects.update(is_staff=True)

    stale.username = "lovelace"
    stale.save(update_fields=["username"])

    assert (row()["username"], row()["is_staff"]) == ("lovelace", True)


def test_naming_no_column_writes_nothing(ada):
    ada.username = "lovelace"

    ada.save(update_fields=[])

    assert row()["username"] == "ada"


def test_saving_asynchronously_is_the_same(ada):
    (stale, _fresh) = twice()
    user_model().objects.update(password="another")

    async_to_sync(stale.asave)()

    assert row()["password"] == "another"


def proven(ada) -> AbstractAuthUser:
    user_model().objects.update(phone_verified=True, phone_pending=None)
    ada.refresh_from_db()
    return ada


@pytest.mark.parametrize("how", [{}, {"update_fields": ["phone"]}], ids=["all", "one"])
def test_a_factor_that_changes_is_unverified_and_ends_every_session(ada, how):
    user = proven(ada)
    user.phone = OTHER

    user.save(**how)

    assert (user.auth_epoch, user.phone_verified) == (1, False)
    assert (row()["auth_epoch"], row()["phone_verified"]) == (1, False)
    assert str(row()["phone"]) == OTHER


def test_a_claim_ends_with_the_value_it_was_to_replace(ada):
    user_model().objects.update(phone_pending="+12125550000")
    user = user_model().objects.get()

    user.phone = OTHER
    user.save()

    assert row()["phone_pending"] is None


def test_a_factor_changed_away_and_back_counts_twice(ada):
    user = proven(ada)
    for value in (OTHER, VALUE):
        user.phone = value
        user.save()

    assert (row()["auth_epoch"], row()["phone_verified"]) == (2, False)


def test_another_spelling_of_the_factor_is_no_change(ada):
    user = proven(ada)
    user.phone = "+1 (212) 555-2368"

    user.save()

    assert (row()["auth_epoch"], row()["phone_verified"]) == (0, True)


def test_a_factor_that_is_taken_away_is_unverified(ada):
    user = proven(ada)
    user.phone = None

    user.save()

    assert (row()["phone"], row()["phone_verified"], row()["auth_epoch"]) == (
        None,
        False,
        1,
    )


def test_a_factor_changed_by_two_stale_instances_counts_twice(ada):
    one, two = twice()
    one.phone, two.phone = OTHER, "+12125552370"

    one.save()
    two.save()

    assert row()["auth_epoch"] == 2


def test_an_unspellable_change_is_not_saved(ada):
    ada.phone = "what"

    with pytest.raises(ValidationError):
        ada.save()

    assert str(row()["phone"]) == VALUE


@pytest.mark.parametrize(
    "read",
    [
        lambda rows: rows.only("username").get(),
        lambda rows: rows.defer("password", "phone", "auth_epoch").get(),
    ],
    ids=["only", "defer"],
)
def test_a_deferred_instance_undoes_nothing(ada, read):
    user = read(user_model().objects)
    user_model().objects.update(password="another", phone=OTHER, auth_epoch=3)

    user.is_staff = True
    user.save()

    assert (row()["password"], str(row()["phone"]), row()["auth_epoch"]) == (
        "another",
        OTHER,
        3,
    )


def test_a_deferred_column_that_was_set_is_written(ada):
    proven(ada)
    user = user_model().objects.only("username").get()

    user.phone = OTHER
    user.save()

    assert str(row()["phone"]) == OTHER
    assert (row()["auth_epoch"], row()["phone_verified"]) == (1, False)


def test_an_instance_that_was_built_by_hand_changes_what_it_says(ada):
    built = user_model()(pk=ada.pk, username="ada", phone=OTHER, password="another")
    built._state.adding = False

    built.save()

    assert str(row()["phone"]) == OTHER
    assert row()["password"] == "another"


def test_refreshing_forgets_what_was_changed(ada):
    ada.phone = OTHER
    ada.refresh_from_db()
    user_model().objects.update(phone="+12125552370")

    ada.save()

    assert str(row()["phone"]) == "+12125552370"


@pytest.mark.parametrize("how", [{"fields": ["phone"]}, {}], ids=["one", "all"])
def test_refreshing_a_column_reads_it_anew(ada, how):
    user_model().objects.update(phone=OTHER)
    ada.refresh_from_db(**how)
    ada.phone = VALUE

    ada.save()

    assert str(row()["phone"]) == VALUE


def test_a_save_that_changes_nothing_guarded_is_one_statement(ada):
    user = user_model().objects.get()

    with CaptureQueriesContext(connection) as queries:
        user.save()

    assert len([q for q in queries if q["sql"].startswith("UPDATE")]) == 1
    assert len([q for q in queries if q["sql"].startswith("SELECT")]) == 0


def test_cleaning_names_every_value_that_cannot_be_spelled():
    with pytest.raises(ValidationError) as caught:
        user_model()(username="a@b.example", phone="x", password="y").full_clean()

    assert set(caught.value.message_dict) == {"username", "phone"}


def test_cleaning_spells_what_it_takes():
    bob = user_model()(username=" BOB ", phone="+1 555 123 4567", password="y")

    bob.full_clean()

    assert (bob.username, bob.held_value) == ("bob", "+15551234567")


def test_cleaning_leaves_an_older_value_that_is_not_changed_alone(ada):
    user_model().objects.update(username="Old Name!")
    user = user_model().objects.get()
    user.is_staff = True

    user.full_clean()
    user.save()

    assert row()["username"] == "Old Name!"


def test_a_session_knows_the_password_and_the_epoch(ada):
    before = ada.get_session_auth_hash()

    ada.auth_epoch = 1
    moved = ada.get_session_auth_hash()
    ada.password = "another"

    assert len({before, moved, ada.get_session_auth_hash()}) == 3


def test_a_session_outlives_a_rotated_key_and_gets_the_new_one(ada, settings, rf):
    from django.contrib.sessions.backends.db import SessionStore

    request = rf.post("/")
    request.session = SessionStore()
    sessions.log_in(request=request, identifier="ada", password=PASSWORD)
    under_the_old = ada.get_session_auth_hash()
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-key-" + "x" * 50
    assert under_the_old not in ada.get_session_auth_fallback_hash()
    settings.SECRET_KEY_FALLBACKS = ["one that never signed", old]

    assert under_the_old in ada.get_session_auth_fallback_hash()
    assert get_user(request) == ada
    assert request.session["_auth_user_hash"] == ada.get_session_auth_hash()


def test_an_account_shows_what_it_claims_until_it_has_proven_something(ada):
    assert ada.recovery_value == VALUE

    ada.phone_pending = OTHER
    assert ada.recovery_value == OTHER
    ada.phone_verified = True
    assert ada.recovery_value == VALUE


@pytest.mark.parametrize("spelling", ["ada", " ADA ", "Ada"])
def test_an_account_is_found_by_any_spelling_with_one_query(
    ada, spelling, django_assert_num_queries
):
    with django_assert_num_queries(1):
        assert find_by_identifier(spelling) == ada


def test_what_cannot_be_an_identifier_is_not_looked_for(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert find_by_identifier("not a name!") is None


@pytest.mark.django_db(transaction=True)
def test_identifiers_are_tried_in_their_order():
    with installed(
        LOGIN_IDENTIFIERS=("badge", "nick"),
        RECOVERY_FACTOR=None,
        badge=models.CharField(max_length=9, unique=True),
        nick=models.CharField(max_length=9, unique=True),
    ) as model:
        by_nick = model.objects.create_user(badge="one", nick="two")
        by_badge = model.objects.create_user(badge="two", nick="one")

        assert find_by_identifier("two") == by_badge
        assert find_by_identifier("one") == by_nick
        assert find_by_identifier("three") is None


def create_superuser(**options) -> str:
    said = io.StringIO()
    call_command("createsuperuser", stdout=said, stderr=said, **options)
    return said.getvalue()


def test_createsuperuser_asks_nothing_when_told_so(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    create_superuser(interactive=False, username="Root")

    root = user_model().objects.get()
    assert root.username == "root"
    assert root.is_staff
    assert root.is_superuser
    assert root.check_password(PASSWORD)


def test_createsuperuser_refuses_what_cannot_be_a_name():
    with pytest.raises((CommandError, ValidationError)):
        create_superuser(interactive=False, username="a@b.example")

    assert not user_model().objects.exists()


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_createsuperuser_asks_for_a_name_and_a_password(monkeypatch):
    answers = iter(["Root"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    monkeypatch.setattr("getpass.getpass", lambda _prompt="": PASSWORD)

    said = create_superuser(interactive=True, stdin=Keyboard())

    assert "Superuser created" in said
    assert user_model().objects.get().username == "root"


def test_createsuperuser_asks_again_for_a_name_that_is_taken(ada, monkeypatch):
    answers = iter(["ADA", "root"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    monkeypatch.setattr("getpass.getpass", lambda _prompt="": PASSWORD)

    said = create_superuser(interactive=True, stdin=Keyboard())

    assert "already taken" in said
    assert user_model().objects.filter(is_superuser=True).get().username == "root"


def test_a_superuser_is_what_the_manager_is_told():
    root = user_model().objects.create_superuser(username="root", is_staff=False)

    assert root.is_superuser
    assert not root.is_staff


def test_a_stale_instance_reopens_no_account_and_restores_no_privilege(ada):
    user_model().objects.filter(pk=ada.pk).update(is_staff=True)
    stale = user_model().objects.get(pk=ada.pk)
    user_model().objects.filter(pk=ada.pk).update(is_active=False, is_staff=False)

    stale.save()

    fresh = user_model().objects.get(pk=ada.pk)
    assert (fresh.is_active, fresh.is_staff) == (False, False)
