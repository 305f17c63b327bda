"""How the documentation is built. Nothing is fetched; every code block is executed."""

from __future__ import annotations

import inspect
import json
import logging
import os
import re
import tempfile
import textwrap
import tomllib
from pathlib import Path

HERE = Path(__file__).parent

project = "glassnet"
author = "glassnet contributors"
copyright = "2026, glassnet contributors"
version = release = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"][
    "version"
]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "explanation/figures"]  # figures are included by their page
default_role = "code"
suppress_warnings = ["ref.python"]  # signatures as written: a short name may be found twice

# a block that raises is a warning with its traceback, and `make docs` fails on a warning
nb_execution_mode = "force"
nb_execution_show_tb = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True

# kernels start from a profile of their own: nobody's settings get into the pages
profile = Path(tempfile.mkdtemp(prefix="glassnet-docs-"))
(profile / "profile_default").mkdir()
kernel = {
    "IPKernelApp": {"log_level": 40},
    "InteractiveShellApp": {"exec_files": [str(HERE / "kernel.py")]},
}
(profile / "profile_default" / "ipython_kernel_config.json").write_text(json.dumps(kernel), "utf-8")
os.environ["IPYTHONDIR"] = str(profile)
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
logging.getLogger("traitlets").setLevel(logging.WARNING)  # tells of each page, but not which

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "glassnet"
html_static_path = ["_static"]
html_css_files = ["glassnet.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5f8b", "color-brand-content": "#1f5f8b"},
    "dark_css_variables": {"color-brand-primary": "#7cc0ea", "color-brand-content": "#7cc0ea"},
}

# ---- docstrings are plain text that opens with a formula; Sphinx reads reStructuredText

FORMULA = re.compile(r"[=←·∑Σ]")
FIELD = re.compile(r"^(\w+(?:, \w+)*) : (.*)")
CODE = re.compile(r"(``.*?``|`.*?`)")


def formula_first(app, what, name, obj, options, lines: list[str]) -> None:
    """Set formulas as code, `name : text` as a definition, and take | and * as they stand.

    A class of the core that has functions of its own shows them, derivative under function.
    """
    out: list[str] = []
    literal = False
    for number, line in enumerate(lines):
        after_blank = not out or not out[-1].strip()
        if literal and line.strip() and not line.startswith(" "):
            literal = False
        if after_blank and line.startswith(("    ", ">>>")):
            literal = True
            out += ["::", ""] if line.startswith("    ") else []
        field = FIELD.match(line)
        if re.fullmatch("-{3,}", line):  # the heading of a section stands in the line before
            out[-1:] = [f".. rubric:: {out[-1]}", ""]
        elif literal:
            out.append(line)
        elif number == 0 and FORMULA.search(line) and "`" not in line:
            formula, stop, more = line.partition(". ")
            out.append(f"``{formula if stop else formula.removesuffix('.')}`` {more}".rstrip())
        elif field:
            out += [] if after_blank or out[-1].startswith(" ") else [""]
            out += [f"``{field[1]}``", f"    {escape(field[2])}"]
        else:
            out.append(escape(line))
    if what == "class" and name.startswith("glassnet.core."):
        out += mathematics(obj)
    lines[:] = out


def mathematics(cls: type) -> list[str]:
    """The static functions that a class of the core writes itself, as a block of code."""
    own = [
        inspect.getsource(function)
        for name in ("f", "df", "fz", "dfz", "variance")
        if isinstance(function := vars(cls).get(name), staticmethod)
    ]
    code = textwrap.dedent("\n".join(own)).replace("@staticmethod\n", "").strip()
    return (
        ["", ".. code-block:: python", "", *textwrap.indent(code, "   ").splitlines(), ""]
        if own
        else []
    )


def escape(line: str) -> str:
    """The line with |, * and a closing _ meant as they stand, except in what is set as code."""
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([|*])|(?<=\w)(_)(?!\w)", r"\\\1\2", piece)
        for piece in CODE.split(line)
    )


class Said(str):
    """What is shown as it stands in the code, without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def as_written(app, what, name, obj, options, signature, returns):
    """The signature with its annotations as written: `Array`, not what it stands for."""
    if what not in {"class", "exception", "function", "method"} or not signature:
        return None
    said = inspect.signature(obj)
    parameters = [one for name, one in said.parameters.items() if name not in {"self", "cls"}]
    shown = said.replace(
        parameters=[
            one.replace(annotation=plain(one.annotation, str), default=plain(one.default, type))
            for one in parameters
        ],
        return_annotation=inspect.Signature.empty,
    )
    back = said.return_annotation
    return str(shown), back if isinstance(back, str) and back != "None" else None


def plain(value, kind: type):
    """A value of that kind by its bare name: an annotation without quotes, a class as `float64`."""
    if value is inspect.Parameter.empty or not isinstance(value, kind):
        return value
    return Said(getattr(value, "__name__", value))


def running(app, page: str, source: list[str]) -> None:
    """Name a page whose blocks are about to be run, for some take a minute."""
    if "{code-cell}" in source[0]:
        print(f"Running {page}", flush=True)


def setup(app) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", as_written)
    app.connect("autodoc-process-docstring", formula_first)
    app.connect("source-read", running)
