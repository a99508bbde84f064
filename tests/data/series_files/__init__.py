"""Small files as people have them, and what is right to read in them, by kind."""
