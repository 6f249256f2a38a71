"""Speed and memory, as ratios in one run against what a good engineer would write by hand. Run by `make bench`."""
