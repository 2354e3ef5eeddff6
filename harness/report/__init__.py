"""Tables and curves from records alone; percent exists only in this room."""
