"""Definitions of tools: OpenAI's forms of JSON, and Python functions."""
