"""Targets that Flux's real kustomize-controller delivers."""
