"""How results are printed: numbers, marks, footnotes, captions, and the tables made of them."""
