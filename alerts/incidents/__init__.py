"""Incidents: what the three eyes say together, and the loop that people close: judge, dispatch, verify, close."""
