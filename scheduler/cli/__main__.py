"""`python -m scheduler.cli`: the command line where no `hepwatch` is on the PATH."""

from scheduler.cli.root import main

if __name__ == "__main__":
    main()
