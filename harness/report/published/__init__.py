"""Figures that were published elsewhere, and how ours compare with them."""
