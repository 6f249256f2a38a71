"""Sending one message by one channel, and saying honestly whether it arrived.

Takes an address and words; gives an outcome. It knows no patient, no rule and no ledger: what a message is about, who
may have it and whether it went out before is for the actions.
"""
