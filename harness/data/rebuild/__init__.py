"""CoOp's published splits made again from the data sets' own annotation files."""
