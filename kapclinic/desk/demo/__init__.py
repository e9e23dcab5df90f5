"""The demo clinic: made-up people, plainly marked as such, treated through the same services as real ones."""
