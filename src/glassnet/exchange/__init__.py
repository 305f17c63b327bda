"""In and out: tables and what their cells become, names, model files, checkpoints.

tables · encodings · targets · names · model · checkpoint are for programs; duck and narrowing read
tables with DuckDB, stored and container make the files, files puts them in place.
"""
