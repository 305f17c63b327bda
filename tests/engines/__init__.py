"""Tests of whoever does the arithmetic."""
