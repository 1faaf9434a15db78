"""Calls over Libcloud's base API, for drivers that have no family of their own. Families import from here."""
