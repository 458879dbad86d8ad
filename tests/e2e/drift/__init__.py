"""Drift on real inputs, found by the operator as it is deployed.

All tests here share one cluster, one operator and one Git server, and have namespaces of their own.
"""
