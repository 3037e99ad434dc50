"""Transcripts for people: a row in the terminal, rows in an HTML page, results in a notebook."""
