"""What a checker must accept, with the types that it must see."""

from typing import Any, assert_type

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import Subscriber, User
from accounts.views import report, statement
from crudauth_django.models import AuthUserManager


def managers() -> None:
    assert_type(User.objects, AuthUserManager[User])
    assert_type(User.objects.get(), User)
    assert_type(User.objects.get_by_natural_key("ada"), User)
    assert_type(User.objects.create_superuser(username="root"), User)
    assert_type(User.objects.all(), QuerySet[User, User])
    assert_type(Subscriber.objects.first(), Subscriber | None)


def emitted_fields(user: User, subscriber: Subscriber) -> None:
    assert_type(user.username, str)
    assert_type(user.phone_verified, bool)
    # As much is known of the claim as of the factor: its field has no types.
    assert_type(user.phone_pending, Any | None)
    assert_type(subscriber.email, str)
    assert_type(subscriber.email_verified, bool)
    assert_type(subscriber.email_pending, str | None)
    subscriber.email_pending = None


def lookups() -> None:
    verified = User.objects.filter(phone_verified=True, username__startswith="a")
    assert_type(verified.order_by("phone_pending").first(), User | None)
    assert_type(verified.values_list("username", flat=True).get(), str)
    Subscriber.objects.exclude(email_pending=None).update(email_verified=False)


def creating(values: dict[str, str]) -> None:
    ada = User.objects.create_user(
        username="ada", phone="+12125552368", password="x", phone_verified=True
    )
    assert_type(ada, User)
    assert_type(Subscriber(email="ada@example.com"), Subscriber)
    Subscriber.objects.create_user(email="ada@example.com", email_pending=None)
    Subscriber.objects.create_user(**values)


async def gates(request: HttpRequest) -> None:
    assert_type(statement(request, number=1), HttpResponse)
    assert_type(await report(request, name="1"), HttpResponse)
