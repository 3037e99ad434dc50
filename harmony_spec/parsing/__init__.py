"""The strict parser, and explanations of its errors."""
