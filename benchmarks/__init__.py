"""How fast, and how we know: `python -m benchmarks --help`."""
