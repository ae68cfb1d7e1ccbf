"""The migration that both projects have; the later ones import this package."""

from importlib import import_module

Migration = import_module("tests.adoption.migrations.0001_initial").Migration
