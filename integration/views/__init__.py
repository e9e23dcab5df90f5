"""Pages of integration and of plans."""
