"""`python -m headwater.cli`: the command where no script is installed."""

from headwater.cli.main import main

main()
