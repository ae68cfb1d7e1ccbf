"""System checks, each with an id, the cause and the mend."""

from crudauth_django.checks import delivery, policy, shape

__all__ = ["delivery", "policy", "shape"]
