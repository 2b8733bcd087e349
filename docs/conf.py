"""How the documentation is built: ``make docs``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from smtpgate import __version__  # noqa: E402 (the path comes first)

project = "smtpgate"
copyright = "the smtpgate authors"
release = version = __version__

extensions = sorted(path.stem for path in (HERE / "_ext").glob("*.py"))
exclude_patterns = ["_build", "performance"]  # tables that pages include
nitpicky = True
primary_domain = "js"
highlight_language = "none"

html_theme = "alabaster"
html_title = f"smtpgate {release}"
html_theme_options = {
    "description": "A scriptable SMTP gateway",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
html_copy_source = False
