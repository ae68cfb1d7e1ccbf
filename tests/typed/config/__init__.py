"""A project like a user's own, checked by ``mypy --strict`` and pyright.

From the root: ``mypy --config-file tests/typed/pyproject.toml`` and
``basedpyright --project tests/typed``. A line with ``type: ignore`` is a mistake
which a checker must report: an unused comment is an error, too.
"""
