"""System checks, each with an id, the cause and the mend."""

from crudauth_django.checks import agreement, copy, delivery, mail, policy, shape

__all__ = ["agreement", "copy", "delivery", "mail", "policy", "shape"]
