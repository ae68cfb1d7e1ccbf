"""System checks, each with an id, the cause and the mend."""

from crudauth_django.checks import copy, delivery, policy, shape

__all__ = ["copy", "delivery", "policy", "shape"]
