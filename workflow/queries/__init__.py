"""Read models: one function per list, a fixed number of statements each."""
