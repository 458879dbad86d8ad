"""``make bench``: what drift detection costs and how fast it is, on a real API server.

Run on demand, never as a test: machines differ and are shared. Ratios come from one run.
"""
