"""What a report has to say of a group of cells, a file a subject: its tables and its figures."""
