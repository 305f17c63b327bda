"""A visitor's own table: read safely, shown, and made the data of a run.

    bytes and a name → a table → a preview: first rows, columns, what is missing, a target to begin
                               → choose(table, target, …) → the data of a run

Columns become numbers by `exchange.encodings`, the target by `exchange.targets`, as they do in
`glassnet train`: the same rows, the same numbers.
"""

from glassnet.lab.tables.choosing import begin, choose
from glassnet.lab.tables.looking import Preview, preview, suggest
from glassnet.lab.tables.modelled import of_model
from glassnet.lab.tables.reading import is_model, open_table, read_upload

__all__ = [
    "Preview",
    "begin",
    "choose",
    "is_model",
    "of_model",
    "open_table",
    "preview",
    "read_upload",
    "suggest",
]
