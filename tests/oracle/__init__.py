"""An independent oracle: no line of it is shared with the library."""
