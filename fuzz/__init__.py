"""Coverage-guided fuzzing of the recovering parser. Needs the `fuzz` extra; see README.md here."""
