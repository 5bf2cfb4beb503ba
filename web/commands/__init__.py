"""The commands of `binome`, one file per noun."""
