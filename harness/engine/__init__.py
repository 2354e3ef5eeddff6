"""Training and evaluation on features: plain functions that methods call as a library."""
