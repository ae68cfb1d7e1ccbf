"""An opt-in record of every message: list the app, run ``migrate``."""
