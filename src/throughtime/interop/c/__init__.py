"""Models as C99: one .c and one .h, derived from the traced step, compiled and compared before they are written."""
