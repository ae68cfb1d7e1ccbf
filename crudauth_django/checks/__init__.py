"""System checks, each with an id, the cause and a hint."""

from importlib import import_module

_CHECKS = (
    "authentication",
    "backends",
    "channels",
    "project",
    "registration",
    "settings",
    "shape",
    "texts",
)
for _name in (*_CHECKS, "at_start"):
    import_module(f"{__name__}.{_name}")
