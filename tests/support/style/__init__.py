"""Measure how the code, the tests and the docs read.

Pure functions over parsed files: nothing is imported or run, and the standard
library is enough. ``tests/test_style.py`` holds the limits.
"""
