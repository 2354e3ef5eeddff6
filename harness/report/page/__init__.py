"""The page: everything of a report in one HTML file, with every cell behind it."""
