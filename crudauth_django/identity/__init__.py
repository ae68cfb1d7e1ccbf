"""The shape of an account and the form of its values; knows no model."""
