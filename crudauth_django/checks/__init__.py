"""System checks, each with an id, the cause and a hint."""

from importlib import import_module

for _name in (
    "backends",
    "channels",
    "project",
    "registration",
    "settings",
    "shape",
    "texts",
):
    import_module(f"{__name__}.{_name}")
