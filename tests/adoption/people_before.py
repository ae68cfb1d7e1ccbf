"""Create the database of a project with Django's users; print a session key.

Runs in a process of its own, with ``tests.adoption.settings_before``.
"""

import django

from tests.support.client import PASSWORD


def main() -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", "people", "0001", verbosity=0)
    call_command("migrate", "sessions", verbosity=0)
    fill()


def fill() -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.test import Client

    people = get_user_model().objects
    ada = people.create_user("Ada", "Ada@Example.COM", PASSWORD, first_name="Ada")
    ada.groups.add(Group.objects.create(name="editors"))
    people.create_user("bob", "bob@example.com", PASSWORD, nickname="B")
    people.create_user("BOB", "BOB@example.com", PASSWORD)
    people.create_user("eve@example.com", "")
    people.create_user("zoe", "")
    browser = Client()
    browser.force_login(ada)
    print(browser.cookies["sessionid"].value)


if __name__ == "__main__":
    main()
