"""Data sets fetched: where each is to be had, downloads, archives, and images put in their place."""
