"""The specification itself: data only (Lark grammars, TOML tables, JSON Schemas)."""
