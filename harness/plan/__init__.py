"""From cells to jobs: what is pending, what runs together, what it costs. No torch."""
