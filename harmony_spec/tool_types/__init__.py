"""Converts JSON Schemas to the types in which a format writes tools, and back."""
