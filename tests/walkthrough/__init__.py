"""Tests of the walkthrough."""
