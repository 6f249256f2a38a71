"""`python -m tests.cli.at_a_moment MOMENT COMMAND …`: hepwatch as a process whose clock stands still at a moment."""

import sys
from datetime import datetime

from scheduler import clock
from scheduler.cli.root import main

if __name__ == "__main__":
    moment = datetime.fromisoformat(sys.argv[1])
    clock.now = lambda: moment
    clock.today = moment.date
    main(sys.argv[2:])
