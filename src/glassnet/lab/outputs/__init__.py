"""What one takes along: the model, a notebook, pictures, and the run as a command and as Python.

    what the session holds → a file's name and bytes, or text to copy

Each is what the library writes of the same state; nothing is computed for it here but the run's own
epochs, again, where the notebook records them.
"""

from glassnet.lab.outputs.archive import model_file, needs_rows, notebook, rows_file
from glassnet.lab.outputs.command import command_line
from glassnet.lab.outputs.file import File, goal, title
from glassnet.lab.outputs.pictures import Kind, What, picture
from glassnet.lab.outputs.program import python

__all__ = [
    "File",
    "Kind",
    "What",
    "command_line",
    "goal",
    "model_file",
    "needs_rows",
    "notebook",
    "picture",
    "python",
    "rows_file",
    "title",
]
