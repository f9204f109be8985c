"""The REST API: the same data under the same roles, one router a topic."""
