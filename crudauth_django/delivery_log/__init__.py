"""An opt-in log of every message: list the app and run ``migrate``."""
