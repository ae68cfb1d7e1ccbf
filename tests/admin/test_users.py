"""The pages of the admin for the shape ``phone``."""

from http import HTTPStatus

import pytest
from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db.models.signals import pre_save
from django.forms import Form, modelform_factory
from django.test import Client
from django.utils.formats import date_format
from django.utils.timezone import localtime

from crudauth_django import signals
from crudauth_django.admin import AuthUserAdmin
from crudauth_django.delivery_log.models import LoggedDelivery
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db
LIST = "/admin/phone/user/"
ADD = LIST + "add/"
ARGON2 = ["django.contrib.auth.hashers.Argon2PasswordHasher"]


@pytest.fixture
def root(db):
    """A superuser with a verified phone."""
    return user_model().objects.create_superuser(
        username="root", phone="+12125550000", phone_verified=True, password=PASSWORD
    )


@pytest.fixture
def root_browser(root):
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


def run_action(browser, action, *users):
    return browser.post(
        LIST, {"action": action, "_selected_action": [u.pk for u in users]}
    )


def messages_of(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_add_form_stores_normalized_values(root_browser):
    response = root_browser.post(
        ADD, new_account(username=" Grace", phone="+1 (555) 123-4567")
    )

    grace = user_model().objects.get(username="grace")
    assert response.status_code == HTTPStatus.FOUND
    assert str(grace.phone) == "+15551234567"
    assert grace.phone_verified is False
    assert grace.check_password(PASSWORD)


def test_change_form_accepts_number_with_spaces(root_browser, ada):
    response = root_browser.post(page_of(ada), filled(ada, phone="+1 555 123 4567"))

    ada.refresh_from_db()
    assert response.status_code == HTTPStatus.FOUND
    assert ada.held_value == "+15551234567"


def test_stored_bad_name_does_not_stop_form_of_other_field(ada):
    user_model()._base_manager.filter(pk=ada.pk).update(username="ada@example.com")
    old = user_model().objects.get(pk=ada.pk)

    form = modelform_factory(user_model(), fields=["is_staff"])(
        {"is_staff": "on"}, instance=old
    )

    assert form.is_valid()


def test_stored_bad_name_is_error_of_change_form(root_browser, ada):
    user_model()._base_manager.filter(pk=ada.pk).update(username="ada@example.com")
    old = user_model().objects.get(pk=ada.pk)

    response = root_browser.post(page_of(old), filled(old))

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
def test_add_form_refuses_taken_value_in_any_form(root_browser, ada, field, value):
    response = root_browser.post(ADD, new_account(**{field: value}))

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
def test_add_form_names_bad_value_once(root_browser, field, value, code):
    response = root_browser.post(ADD, new_account(**{field: value}))

    errors = errors_of(response).as_data()
    assert response.status_code == HTTPStatus.OK
    assert list(errors) == [field]
    assert len(errors[field]) == 1
    assert not user_model().objects.filter(username="grace").exists()


def test_add_form_reports_value_taken_after_validation(root_browser):
    def take_name(instance, **_kwargs):
        pre_save.disconnect(take_name, sender=user_model())
        user_model().objects.bulk_create(
            [user_model()(username=instance.username, password="!")]
        )

    pre_save.connect(take_name, sender=user_model())
    response = root_browser.post(ADD, new_account())

    assert response.status_code == HTTPStatus.FOUND
    assert "Not saved" in messages_of(response)[0]


@pytest.mark.parametrize("password", ["short", "password", "12125552368"])
def test_password_forms_apply_password_rules(root_browser, ada, password):
    added = root_browser.post(
        ADD,
        new_account(phone="+12125552369", password1=password, password2=password),
    )
    changed = root_browser.post(
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


def test_add_form_without_password_stores_unusable_one(root_browser):
    root_browser.post(
        ADD, new_account(usable_password="false", password1="", password2="")
    )

    grace = user_model().objects.get(username="grace")
    assert not grace.has_usable_password()


def test_password_form_hashes_with_argon2_and_ends_sessions(
    root_browser, ada, settings, outbox, django_capture_on_commit_callbacks
):
    settings.PASSWORD_HASHERS = ARGON2
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    session_of_ada = signed_in(ada)

    with django_capture_on_commit_callbacks(execute=True):
        root_browser.post(
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
    assert session_of_ada.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert [intent.kind for intent in outbox] == ["password_changed"]


OWN_PASSWORD = "/admin/password_change/"
# Django 5.2 has no hook for this page.
has_hook = pytest.mark.skipif(
    not hasattr(AdminSite, "password_change_form"), reason="needs Django 6.0"
)


def own_password(new: str = NEW_PASSWORD, old: str = PASSWORD) -> dict[str, str]:
    return {"old_password": old, "new_password1": new, "new_password2": new}


@has_hook
def test_own_password_sends_signals_and_notice(
    root_browser, root, outbox, django_capture_on_commit_callbacks
):
    sent = []

    def record(signal, user, **_kwargs):
        sent.append((signal, user.pk))

    for event in (signals.password_changed, signals.credentials_revoked):
        event.connect(record)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            response = root_browser.post(OWN_PASSWORD, own_password())
    finally:
        for event in (signals.password_changed, signals.credentials_revoked):
            event.disconnect(record)

    root.refresh_from_db()
    assert response.status_code == HTTPStatus.FOUND
    assert root.check_password(NEW_PASSWORD)
    assert [i.kind for i in outbox] == ["password_changed"]
    assert sent == [
        (signals.password_changed, root.pk),
        (signals.credentials_revoked, root.pk),
    ]
    assert root_browser.get(LIST).status_code == HTTPStatus.OK


@has_hook
@pytest.mark.parametrize(
    ("form", "field"),
    [
        (own_password(old="wrong"), "old_password"),
        (own_password(new="short"), "new_password2"),
        (own_password(new="12125550000"), "new_password2"),
    ],
)
def test_own_password_form_applies_password_rules(root_browser, root, form, field):
    response = root_browser.post(OWN_PASSWORD, form)

    root.refresh_from_db()
    assert list(response.context["form"].errors) == [field]
    assert root.check_password(PASSWORD)


@has_hook
def test_password_form_of_a_site_is_kept():
    site = AdminSite()
    site.password_change_form = Form

    AuthUserAdmin(user_model(), site)

    assert site.password_change_form is Form


def test_add_form_hashes_with_argon2(root_browser, settings):
    settings.PASSWORD_HASHERS = ARGON2

    root_browser.post(ADD, new_account())

    grace = user_model().objects.get(username="grace")
    assert identify_hasher(grace.password).algorithm == "argon2"


def test_change_form_shows_protected_fields_read_only(root_browser, ada):
    page = root_browser.get(page_of(ada))
    root_browser.post(
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


def test_change_of_number_unverifies_and_notifies_old_number(
    root_browser, ada, outbox, django_capture_on_commit_callbacks
):
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    session_of_ada = signed_in(ada)
    revoked = []

    def record(user, **_kwargs):
        revoked.append(user.pk)

    signals.credentials_revoked.connect(record)
    with django_capture_on_commit_callbacks(execute=True):
        root_browser.post(page_of(ada), filled(ada, phone="+12125559999"))
    signals.credentials_revoked.disconnect(record)

    ada.refresh_from_db()
    assert (ada.held_value, ada.phone_verified) == ("+12125559999", False)
    assert session_of_ada.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert revoked == [ada.pk]
    assert [(i.kind, i.recipient) for i in outbox] == [
        ("recovery_changed", "+12125552368")
    ]


def test_change_of_own_number_leaves_admin_session_open(root_browser, root):
    root_browser.post(
        page_of(root),
        filled(root, phone="+12125559999", is_staff="on", is_superuser="on"),
    )

    assert root_browser.get(LIST).status_code == HTTPStatus.OK


def test_change_form_with_equal_values_changes_nothing(root_browser, ada):
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    session_of_ada = signed_in(ada)

    root_browser.post(
        page_of(ada), filled(ada, username="ADA", phone="+1 212-555-2368")
    )

    ada.refresh_from_db()
    assert ada.phone_verified is True
    assert session_of_ada.get("/me").status_code == HTTPStatus.OK
    assert LogEntry.objects.get().change_message == "[]"


def test_change_form_stores_empty_number_as_null(root_browser, ada):
    root_browser.post(page_of(ada), filled(ada, phone=""))

    ada.refresh_from_db()
    assert ada.phone is None


@pytest.mark.parametrize("term", ["ADA", "da", "+1 (212) 555-2368", "5552368"])
def test_search_finds_name_and_number_in_any_form(root_browser, ada, term):
    response = root_browser.get(LIST, {"q": term})

    assert [user.pk for user in response.context["cl"].result_list] == [ada.pk]


def test_search_for_unprintable_text_finds_no_account(root_browser, ada):
    response = root_browser.get(LIST, {"q": "\u202e'"})

    assert list(response.context["cl"].result_list) == []


@pytest.mark.parametrize(
    "column", ["phone_verified", "is_staff", "is_active", "is_superuser"]
)
def test_list_filters_by_state(root_browser, ada, root, column):
    response = root_browser.get(LIST, {f"{column}__exact": "1"})

    expected = {u.pk for u in (ada, root) if getattr(u, column)}
    assert {u.pk for u in response.context["cl"].result_list} == expected


def test_send_verification_skips_verified_and_valueless(
    root_browser, ada, root, outbox
):
    without_number = user_model().objects.create_user(username="bob", password=PASSWORD)

    response = run_action(root_browser, "send_verification", ada, root, without_number)

    assert [(i.kind, i.recipient) for i in outbox] == [
        ("verify_recovery", "+12125552368")
    ]
    assert messages_of(response) == [
        "Verification requested: 1 account. 2 were skipped."
    ]
    assert [int(e.object_id) for e in LogEntry.objects.all()] == [ada.pk]


def test_send_password_reset_goes_to_each_number(root_browser, ada, root, outbox):
    response = run_action(root_browser, "send_password_reset", ada, root)

    assert {(i.kind, i.recipient) for i in outbox} == {
        ("reset_password", "+12125552368"),
        ("reset_password", "+12125550000"),
    }
    assert messages_of(response) == ["Password reset requested: 2 accounts."]
    history = LogEntry.objects.filter(user=root)
    assert {e.get_change_message() for e in history} == {"Password reset requested"}
    assert {int(e.object_id) for e in history} == {ada.pk, root.pk}


@pytest.mark.parametrize(
    ("action", "label"),
    [
        ("send_password_reset", "Password reset requested"),
        ("send_verification", "Verification requested"),
    ],
)
def test_action_reports_messages_held_back(
    root_browser, ada, outbox, settings, action, label
):
    settings.CRUDAUTH_TARGET_BUDGET = "1/15m"
    settings.TIME_ZONE = "Asia/Kolkata"
    run_action(root_browser, action, ada)
    outbox.clear()

    response = run_action(root_browser, action, ada)

    (row,) = LoggedDelivery.objects.filter(outcome="held_back")
    until = date_format(localtime(row.held_until), "SHORT_DATETIME_FORMAT")
    assert outbox == []
    assert messages_of(response)[1:] == [
        f"{label}: 1 account.",
        f"Held back until {until}, because their recipients have had too many "
        "messages: 1.",
    ]


def test_end_all_sessions_ends_selected_accounts_only(root_browser, ada, root):
    bob = user_model().objects.create_user(username="bob", password=PASSWORD)
    session_of_ada, session_of_bob = signed_in(ada), signed_in(bob)

    response = run_action(root_browser, "end_all_sessions", ada)

    assert session_of_ada.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert session_of_bob.get("/me").status_code == HTTPStatus.OK
    assert messages_of(response) == ["All sessions ended: 1 account."]
    assert LogEntry.objects.get().get_change_message() == "All sessions ended"


def test_unlock_lets_locked_account_log_in(root_browser, ada, api, settings):
    settings.CRUDAUTH_LOCKOUT = {"ATTEMPTS": 2}

    for _ in range(2):
        api.log_in("ada", "wrong")
    locked = api.log_in()

    run_action(root_browser, "unlock", ada)

    assert locked.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert api.log_in().status_code == HTTPStatus.OK
    assert LogEntry.objects.get().get_change_message() == "Unlocked"


def test_message_actions_need_a_channel(root_browser, ada, settings):
    settings.CRUDAUTH_CHANNELS = []

    response = root_browser.get(LIST)

    offered = {
        name
        for name, _label in response.context["action_form"].fields["action"].choices
    }
    assert "send_verification" not in offered
    assert {"end_all_sessions", "unlock"} <= offered


def staff_with(*codenames):
    user = user_model().objects.create_user(
        username="clerk", password=PASSWORD, is_staff=True
    )
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return signed_in(user)


@pytest.mark.parametrize(
    "action", ["send_verification", "send_password_reset", "end_all_sessions", "unlock"]
)
def test_actions_need_change_permission(ada, action, outbox):
    clerk = staff_with("view_user")

    run_action(clerk, action, ada)

    ada.refresh_from_db()
    assert outbox == []
    assert ada.auth_epoch == 0
    assert not LogEntry.objects.exists()


def test_viewer_sees_no_hash_and_changes_nothing(ada):
    clerk = staff_with("view_user")

    page = clerk.get(page_of(ada))
    response = clerk.post(page_of(ada), filled(ada, phone="+12125559999"))

    ada.refresh_from_db()
    assert page.status_code == HTTPStatus.OK
    assert ada.password not in page.content.decode()
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert ada.held_value == "+12125552368"


def test_user_without_staff_status_is_sent_to_login(ada):
    response = signed_in(ada).get(page_of(ada))

    assert response.status_code == HTTPStatus.FOUND
    assert response.headers["Location"].startswith("/admin/login/")
