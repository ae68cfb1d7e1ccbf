"""Accounts for Django: any identifier to log in, any factor to recover."""

__version__ = "0.1.0"
