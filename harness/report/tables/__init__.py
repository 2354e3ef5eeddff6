"""A table as a value, and how it is written down; nothing here knows where its words come from."""
