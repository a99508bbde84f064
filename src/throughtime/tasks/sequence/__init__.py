"""What tasks share that make one sequence of another."""
