"""Arrays of accuracies and exact fractions; nothing here knows of cells, tables or files."""
