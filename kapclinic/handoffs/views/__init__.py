"""Pages of handoffs: what is owed, writing one, reading one, and what the team writes to each other."""
