"""What `bin/run` and `bin/test` are made of: set-up, databases, supervision of the processes, checks."""
