"""How the documentation is built: ``sphinx-build -W -n docs docs/_build/html``."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "crudauth-django"
author = "The crudauth-django authors"
copyright = author
release = installed_version("crudauth-django")
extensions = ["myst_parser", "crudauth_reference"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"crudauth-django {release}"
html_copy_source = False
smartquotes = False
