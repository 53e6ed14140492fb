"""In place of pip's own."""
