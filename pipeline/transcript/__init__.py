"""The text of a document with the places of its words, from its sidecar, in forms that other programs read."""
