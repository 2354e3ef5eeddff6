"""Data sets, their splits, the few-shot draw and the images; Pillow and numpy only, never torch."""
