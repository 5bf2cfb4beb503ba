"""Forming binômes: `problem`, what is given and found; `solve`, the best; `causes`, why there is none. Pure."""
