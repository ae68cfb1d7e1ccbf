"""Build the documentation: ``sphinx-build -W -n docs docs/_build/html``."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

import django

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(Path(__file__).parent / "extensions"), str(ROOT)]
# autodoc imports the package, which needs a configured project.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.support.projects.phone.settings")
django.setup()

project = "crudauth-django"
author = "The crudauth-django authors"
copyright = author
release = installed_version("crudauth-django")
extensions = ["myst_parser", "sphinx.ext.autodoc", "crudauth_reference"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpick_ignore_regex = [
    # Names of other packages have no page to link to.
    (r"py:.*", r"(?!crudauth_django).*"),
    # Public classes and functions have bases and types that are not public.
    (
        r"py:class",
        r"crudauth_django\.(admin\.actions|admin\.forms|api\.base|api\.serializers\.base"
        r"|channels\.texts|identity\.passwords|identity\.managers"
        r"|identity\.saving|identity\.tracking|permissions)\.\w+",
    ),
]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"crudauth-django {release}"
html_copy_source = False
smartquotes = False
