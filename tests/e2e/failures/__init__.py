"""What goes wrong, how it is told, and that nothing is lost or said twice."""
