"""The checker of annotations, shapes among them, that functions of the torch rooms run under in tests.

``tests/conftest.py`` hands it to jaxtyping, which decorates every function of these rooms as they are imported.
"""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # a whole number is a float, as for mypy
