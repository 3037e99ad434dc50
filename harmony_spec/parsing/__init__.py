"""Strict reading, and the explanation of what it refuses."""
