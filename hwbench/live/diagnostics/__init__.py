"""What goes on inside supernets: after each epoch, where edges are discretised, and beside it."""
