"""Reading and checking what a model learns from: text and its tokens."""
