"""The service: a bell for each site, one worker, and what tells the outside how it stands."""
