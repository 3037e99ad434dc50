"""The checks of a transcript, beyond its form: declarations, flow, calls, tokens."""
