"""The web console: pages for people and a REST API for programs, under one sign-in."""
