"""Where runs are mirrored to; records stay the truth."""
