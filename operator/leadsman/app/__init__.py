"""The operator as a process: what is made of what, in which order it starts and stops."""
