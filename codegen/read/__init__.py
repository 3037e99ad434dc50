"""The files of a grammar folder as trees with places, and data files as typed records."""
