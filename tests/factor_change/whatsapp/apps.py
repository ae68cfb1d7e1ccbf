from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "tests.factor_change.whatsapp"
    label = "people"
