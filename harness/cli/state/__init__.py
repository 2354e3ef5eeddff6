"""How things stand, read from the matrix, the records and the logs: what several commands begin with."""
