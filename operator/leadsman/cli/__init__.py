"""The command line: ``leadsman run`` is the operator, ``leadsman check`` its engine run once."""
