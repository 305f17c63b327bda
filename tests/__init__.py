"""The tests mirror `src`; contract tests run for every instance of a kind."""
