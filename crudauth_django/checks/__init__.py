"""System checks, each with an id, the cause and the mend."""

from crudauth_django.checks import copy, delivery, mail, policy, shape

__all__ = ["copy", "delivery", "mail", "policy", "shape"]
