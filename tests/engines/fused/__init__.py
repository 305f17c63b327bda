"""The fused engine, held to the reference engine."""
