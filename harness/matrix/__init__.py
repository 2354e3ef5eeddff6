"""The experiment matrix: YAML in, cells out. Pure values; nothing here reads data or loads torch."""
