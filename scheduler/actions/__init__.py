"""What a person may do, one function each: read, decide in the core, write, audit, in one transaction."""
