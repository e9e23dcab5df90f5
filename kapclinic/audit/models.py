"""No tables of its own yet: Django sends `post_migrate` only for apps with a models module, and the grants hang on it."""
