"""Families of drivers."""
