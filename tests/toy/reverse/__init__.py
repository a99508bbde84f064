"""Give a line back reversed: a toy, to see what another task costs."""
