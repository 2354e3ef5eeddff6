"""Methods: how a classifier over class names is made from a few images."""
