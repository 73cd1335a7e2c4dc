"""`python -m vitrina`: the command line."""

from vitrina.cli import main

main()
