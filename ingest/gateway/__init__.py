"""The ground gateway: HJ 212 over TCP and MQTT into the raw drop that the feed of packets reads.

    bytes -> pieces (stream) -> may they? (admission) -> durable on disk (journal) -> answered (replies)

Nothing is decoded here: what is kept is what came, and `ingest` reads it by the same code as any other file. This and
the command line that starts it are the places of `ingest` that read the clock.
"""
