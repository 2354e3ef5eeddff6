"""A figure as a value, and how it is drawn; matplotlib is imported here only."""
