"""A living demonstration: three campaigns played by role-named people through the real use cases."""

from workflow.demo.play import ACCOUNTS, Account, NotEmpty, Summary, play

__all__ = ["ACCOUNTS", "Account", "NotEmpty", "Summary", "play"]
