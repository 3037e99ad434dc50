"""Malformed output: the states of an input, repaired headers, messages and diagnostics."""
