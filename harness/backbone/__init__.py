"""CLIP backbones behind one seam: open_clip is named in this room only."""
