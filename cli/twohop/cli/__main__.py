"""`python -m twohop.cli`, the same as the `twohop` command."""

from twohop.cli import main

main()
