"""DuckDB's part: text, Parquet and JSON files into columns, and columns into files.

Nothing is fetched: a connection lives in memory, and neither installs nor loads extensions.

    files → finding ┐
    bytes → sent    ┴→ loading → DuckDB → result → a table
"""

from glassnet.exchange.duck.bounds import Bounds
from glassnet.exchange.duck.finding import ENDINGS
from glassnet.exchange.duck.reading import query_table, read, read_bytes
from glassnet.exchange.duck.sent import shown_name
from glassnet.exchange.duck.writing import write

__all__ = ["ENDINGS", "Bounds", "query_table", "read", "read_bytes", "shown_name", "write"]
