"""What is missing or wrong of a data set on disk, and where it lies instead."""
