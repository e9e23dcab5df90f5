"""Pages of preparation and dosing."""
