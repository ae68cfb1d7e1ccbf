from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "tests.factor_change.email"
    label = "people"
