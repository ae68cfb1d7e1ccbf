"""The admin, for an account that logs in by name and recovers by phone."""

from http import HTTPStatus

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db.models.signals import pre_save
from django.forms import modelform_factory
from django.test import Client

from crudauth_django import signals
from crudauth_django.users import user_model
from tests.conftest import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db
LIST = "/admin/phone/user/"
ADD = LIST + "add/"
ARGON2 = ["django.contrib.auth.hashers.Argon2PasswordHasher"]


@pytest.fixture
def root(db):
    """May do everything; with a phone that is proven."""
    return user_model().objects.create_superuser(
        username="root", phone="+12125550000", phone_verified=True, password=PASSWORD
    )


@pytest.fixture
def desk(root):
    """A browser in which ``root`` is signed in."""
    browser = Client()
    browser.login(username="root", password=PASSWORD)
    return browser


def signed_in(user):
    browser = Client()
    browser.force_login(user)
    return browser


def page_of(user):
    return f"{LIST}{user.pk}/change/"


def filled(user, **changes):
    return {
        "username": user.username,
        "phone": str(user.phone or ""),
        "is_active": "on",
        **changes,
    }


def new_account(**changes):
    return {
        "username": "grace",
        "phone": "",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **changes,
    }


def errors_of(response):
    return response.context["adminform"].form.errors


def act(browser, action, *users):
    return browser.post(
        LIST, {"action": action, "_selected_action": [u.pk for u in users]}
    )


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_an_account_is_added_in_its_one_spelling(desk):
    response = desk.post(ADD, new_account(username=" Grace", phone="+1 (555) 123-4567"))

    grace = user_model().objects.get(username="grace")
    assert response.status_code == HTTPStatus.FOUND
    assert str(grace.phone) == "+15551234567"
    assert grace.phone_verified is False
    assert grace.check_password(PASSWORD)


def test_a_number_that_the_flows_accept_is_accepted(desk, ada):
    response = desk.post(page_of(ada), filled(ada, phone="+1 555 123 4567"))

    ada.refresh_from_db()
    assert response.status_code == HTTPStatus.FOUND
    assert ada.held_value == "+15551234567"


def test_any_form_of_the_project_accepts_what_the_flows_accept():
    user = user_model()(username="Grace", phone="+1 555 123 4567", password="x")

    user.full_clean()

    assert user.held_value == "+15551234567"


def test_a_bad_name_from_before_is_no_error_in_a_form_of_another_column(ada):
    user_model().objects.filter(pk=ada.pk).update(username="ada@example.com")
    old = user_model().objects.get(pk=ada.pk)

    form = modelform_factory(user_model(), fields=["is_staff"])(
        {"is_staff": "on"}, instance=old
    )

    assert form.is_valid()


def test_a_bad_name_from_before_is_an_error_of_its_own_form(desk, ada):
    user_model().objects.filter(pk=ada.pk).update(username="ada@example.com")
    old = user_model().objects.get(pk=ada.pk)

    response = desk.post(page_of(old), filled(old))

    assert list(errors_of(response)) == ["username"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ADA"),
        ("username", "\uff21da"),
        ("phone", "+1 (212) 555-2368"),
        ("phone", "tel:+1-212-555-2368"),
    ],
)
def test_a_taken_value_is_an_error_of_the_form_in_any_spelling(desk, ada, field, value):
    response = desk.post(ADD, new_account(**{field: value}))

    assert response.status_code == HTTPStatus.OK
    assert list(errors_of(response)) == [field]
    assert errors_of(response).as_data()[field][0].code == "unique"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("username", "a@example.com", "invalid"),
        ("username", "", "required"),
        ("username", "a\u200bda", "unprintable"),
        ("username", "x" * 151, "max_length"),
        ("username", "+1 212 555 2368", "invalid"),
        ("phone", "12", "invalid"),
        ("phone", "\u202e+12125552368", "unprintable"),
    ],
)
def test_an_unspellable_value_is_one_error_of_the_form(desk, field, value, code):
    response = desk.post(ADD, new_account(**{field: value}))

    errors = errors_of(response).as_data()
    assert response.status_code == HTTPStatus.OK
    assert list(errors) == [field]
    assert len(errors[field]) == 1
    assert not user_model().objects.filter(username="grace").exists()


def test_a_value_that_is_taken_after_the_check_is_said_and_nothing_saved(desk):
    def be_faster(instance, **_kwargs):
        pre_save.disconnect(be_faster, sender=user_model())
        user_model().objects.bulk_create(
            [user_model()(username=instance.username, password="!")]
        )

    pre_save.connect(be_faster, sender=user_model())
    response = desk.post(ADD, new_account())

    assert response.status_code == HTTPStatus.FOUND
    assert "Not saved" in said(response)[0]


@pytest.mark.parametrize("password", ["short", "password", "12125552368"])
def test_a_new_password_is_held_to_the_rules_of_the_flows(desk, ada, password):
    added = desk.post(
        ADD,
        new_account(phone="+12125552369", password1=password, password2=password),
    )
    changed = desk.post(
        f"{LIST}{ada.pk}/password/",
        {
            "usable_password": "true",
            "password1": password,
            "password2": password,
            "set-password": "",
        },
    )

    assert list(errors_of(added)) == ["password2"]
    assert list(changed.context["form"].errors) == ["password2"]


def test_an_account_without_a_password_lets_nobody_in(desk):
    desk.post(ADD, new_account(usable_password="false", password1="", password2=""))

    grace = user_model().objects.get(username="grace")
    assert not grace.has_usable_password()


def test_a_password_set_here_is_argon2_and_ends_sessions(
    desk, ada, settings, outbox, django_capture_on_commit_callbacks
):
    settings.PASSWORD_HASHERS = ARGON2
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    hers = signed_in(ada)

    with django_capture_on_commit_callbacks(execute=True):
        desk.post(
            f"{LIST}{ada.pk}/password/",
            {
                "usable_password": "true",
                "password1": NEW_PASSWORD,
                "password2": NEW_PASSWORD,
                "set-password": "",
            },
        )

    ada.refresh_from_db()
    assert identify_hasher(ada.password).algorithm == "argon2"
    assert ada.check_password(NEW_PASSWORD)
    assert hers.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert [intent.kind for intent in outbox] == ["password_changed"]


def test_an_added_account_is_hashed_with_argon2(desk, settings):
    settings.PASSWORD_HASHERS = ARGON2

    desk.post(ADD, new_account())

    grace = user_model().objects.get(username="grace")
    assert identify_hasher(grace.password).algorithm == "argon2"


def test_bookkeeping_can_be_read_and_never_written(desk, ada):
    page = desk.get(page_of(ada))
    desk.post(
        page_of(ada),
        filled(
            ada,
            phone_verified="on",
            phone_pending="+12125559999",
            auth_epoch="7",
            date_joined_0="2001-01-01",
            last_login_0="2001-01-01",
        ),
    )

    before = ada.date_joined
    ada.refresh_from_db()
    assert "field-phone_verified" in page.content.decode()
    assert "field-auth_epoch" in page.content.decode()
    assert (ada.phone_verified, ada.phone_pending, ada.auth_epoch) == (False, None, 0)
    assert ada.date_joined == before
    assert ada.last_login is None


def test_a_changed_number_is_unverified_ends_sessions_and_is_told_to_the_old_one(
    desk, ada, outbox, django_capture_on_commit_callbacks
):
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    hers = signed_in(ada)
    revoked = []

    def note(user, **_kwargs):
        revoked.append(user.pk)

    signals.credentials_revoked.connect(note)
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(page_of(ada), filled(ada, phone="+12125559999"))
    signals.credentials_revoked.disconnect(note)

    ada.refresh_from_db()
    assert (ada.held_value, ada.phone_verified) == ("+12125559999", False)
    assert hers.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert revoked == [ada.pk]
    assert [(i.kind, i.recipient) for i in outbox] == [
        ("recovery_changed", "+12125552368")
    ]


def test_whoever_changes_their_own_number_stays_signed_in(desk, root):
    desk.post(
        page_of(root),
        filled(root, phone="+12125559999", is_staff="on", is_superuser="on"),
    )

    assert desk.get(LIST).status_code == HTTPStatus.OK


def test_another_spelling_of_the_same_number_changes_nothing(desk, ada):
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    hers = signed_in(ada)

    desk.post(page_of(ada), filled(ada, username="ADA", phone="+1 212-555-2368"))

    ada.refresh_from_db()
    assert ada.phone_verified is True
    assert hers.get("/me").status_code == HTTPStatus.OK
    assert LogEntry.objects.get().change_message == "[]"


def test_an_emptied_number_is_none(desk, ada):
    desk.post(page_of(ada), filled(ada, phone=""))

    ada.refresh_from_db()
    assert ada.phone is None


@pytest.mark.parametrize("term", ["ADA", "da", "+1 (212) 555-2368", "5552368"])
def test_search_finds_by_name_and_number_in_any_spelling(desk, ada, term):
    response = desk.get(LIST, {"q": term})

    assert [user.pk for user in response.context["cl"].result_list] == [ada.pk]


def test_a_search_for_what_no_value_can_be_finds_nobody(desk, ada):
    response = desk.get(LIST, {"q": "\u202e'"})

    assert list(response.context["cl"].result_list) == []


@pytest.mark.parametrize(
    "column", ["phone_verified", "is_staff", "is_active", "is_superuser"]
)
def test_the_list_filters_by_state(desk, ada, root, column):
    response = desk.get(LIST, {f"{column}__exact": "1"})

    expected = {u.pk for u in (ada, root) if getattr(u, column)}
    assert {u.pk for u in response.context["cl"].result_list} == expected


def test_verifications_go_to_whoever_has_something_to_verify(desk, ada, root, outbox):
    nobody = user_model().objects.create_user(username="bob", password=PASSWORD)

    response = act(desk, "send_verification", ada, root, nobody)

    assert [(i.kind, i.recipient) for i in outbox] == [
        ("verify_recovery", "+12125552368")
    ]
    assert said(response) == ["Verification sent: 1 account. 2 were skipped."]
    assert [int(e.object_id) for e in LogEntry.objects.all()] == [ada.pk]


def test_resets_go_to_whoever_holds_a_number(desk, ada, root, outbox):
    response = act(desk, "send_password_reset", ada, root)

    assert {(i.kind, i.recipient) for i in outbox} == {
        ("reset_password", "+12125552368"),
        ("reset_password", "+12125550000"),
    }
    assert said(response) == ["Password reset sent: 2 accounts."]
    history = LogEntry.objects.filter(user=root)
    assert {e.get_change_message() for e in history} == {"Password reset sent"}
    assert {int(e.object_id) for e in history} == {ada.pk, root.pk}


def test_sessions_end_for_the_selected_alone(desk, ada, root):
    bob = user_model().objects.create_user(username="bob", password=PASSWORD)
    hers, his = signed_in(ada), signed_in(bob)

    response = act(desk, "end_all_sessions", ada)

    assert hers.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert his.get("/me").status_code == HTTPStatus.OK
    assert said(response) == ["All sessions ended: 1 account."]
    assert LogEntry.objects.get().get_change_message() == "All sessions ended"


def test_an_unlocked_account_can_log_in_again(desk, ada, api, settings):
    settings.CRUDAUTH_LOCKOUT = {"ATTEMPTS": 2}

    def try_to_log_in(password):
        body = {"username": "ada", "password": password}
        return api.post("/login", body, format="json").status_code

    for _guess in range(2):
        try_to_log_in("wrong")
    locked = try_to_log_in(PASSWORD)
    act(desk, "unlock", ada)

    assert locked == HTTPStatus.TOO_MANY_REQUESTS
    assert try_to_log_in(PASSWORD) == HTTPStatus.OK
    assert LogEntry.objects.get().get_change_message() == "Unlocked"


def test_messages_are_not_offered_without_a_channel(desk, ada, settings):
    settings.CRUDAUTH_CHANNELS = []

    response = desk.get(LIST)

    offered = {
        name
        for name, _label in response.context["action_form"].fields["action"].choices
    }
    assert "send_verification" not in offered
    assert {"end_all_sessions", "unlock"} <= offered


def staff_who_may(*codenames):
    user = user_model().objects.create_user(
        username="clerk", password=PASSWORD, is_staff=True
    )
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return signed_in(user)


@pytest.mark.parametrize(
    "action", ["send_verification", "send_password_reset", "end_all_sessions", "unlock"]
)
def test_whoever_may_only_look_can_start_nothing(ada, action, outbox):
    clerk = staff_who_may("view_user")

    act(clerk, action, ada)

    ada.refresh_from_db()
    assert outbox == []
    assert ada.auth_epoch == 0
    assert not LogEntry.objects.exists()


def test_whoever_may_only_look_sees_no_hash_and_changes_nothing(ada):
    clerk = staff_who_may("view_user")

    page = clerk.get(page_of(ada))
    response = clerk.post(page_of(ada), filled(ada, phone="+12125559999"))

    ada.refresh_from_db()
    assert page.status_code == HTTPStatus.OK
    assert ada.password not in page.content.decode()
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert ada.held_value == "+12125552368"


def test_strangers_and_users_see_no_admin(ada):
    response = signed_in(ada).get(page_of(ada))

    assert response.status_code == HTTPStatus.FOUND
    assert response.headers["Location"].startswith("/admin/login/")
