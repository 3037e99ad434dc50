"""Rendering of messages to token ids and text."""
