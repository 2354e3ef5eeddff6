"""The tiny backbone: a small CLIP pretrained in this repository on images that it draws itself."""
