"""Tests of the stream of training and of its stages."""
