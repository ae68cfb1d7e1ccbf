"""The settings: their names, types, defaults and readers."""
