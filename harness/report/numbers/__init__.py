"""From the records of cells to the numbers of rows: what belongs together, and one result a point."""
