"""The first migration of the live site, as it was applied."""

from importlib import import_module

initial = import_module("tests.factor_change.phone.migrations.0001_initial")
Migration = initial.Migration
