"""What `make bench` measures: nothing here fails on time; each figure is a ratio taken within one run."""
