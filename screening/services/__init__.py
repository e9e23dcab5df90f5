"""Verbs that change what screening keeps."""
