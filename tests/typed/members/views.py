"""What mypy and pyright must accept and must report alike."""

from typing import assert_type

from django.http import HttpRequest, HttpResponse

from crudauth_django.permissions import recovery_verified_required
from members.models import Member


@recovery_verified_required
def statement(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


@recovery_verified_required
async def report(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(name)


async def right(request: HttpRequest) -> None:
    assert_type(Member.objects.get(), Member)
    assert_type(Member.objects.verified().first(), Member | None)
    member = Member.objects.create_user(username="ada", email="ada@example.com")
    assert_type(member, Member)
    assert_type(member.username, str)
    assert_type(member.email_verified, bool)
    assert_type(member.email_pending, str | None)
    assert_type(statement(request, 1), HttpResponse)
    assert_type(await report(request, name="1"), HttpResponse)


def wrong(request: HttpRequest, member: Member) -> None:
    print(member.email_verifed)  # type: ignore[attr-defined]
    member.email_verified = "yes"  # type: ignore[assignment]
    Member.objects.all().verified()  # type: ignore[attr-defined]
    statement(request, number="1")  # type: ignore[arg-type]


@recovery_verified_required  # type: ignore[type-var]
def no_view(request: HttpRequest) -> str:
    return "text"
