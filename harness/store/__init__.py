"""Run records: the only truth about what was measured."""
