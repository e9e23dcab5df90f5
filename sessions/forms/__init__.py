"""Forms of preparation and dosing."""
