"""Tokens, credentials and the lockout."""
