"""Everything that makes a grammar unusable, collected as problems with places."""
