"""Jobs as commands see them: where they run, which of them go on, and what a run follows."""
