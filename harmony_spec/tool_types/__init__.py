"""JSON Schema to the types of tools in the type grammar of a codec, and back."""
