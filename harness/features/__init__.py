"""Image features: views of images, their encoding, and the cache of what need not be encoded twice."""
