"""HJ 212 frames that come as MQTT messages: the broker is told that a message arrived when it is on disk.

The session is kept by the broker under our client id, so what devices publish with QoS 1 while we are away, or what we
took and did not acknowledge, comes again.
"""

import os
import re
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from domain.errors import CatalogueError
from ingest.gateway.settings import FILE, Mqtt

_NUMBER = re.compile(r"[0-9A-Za-z]{1,24}")
#: Takes topic, payload, and what to call when the payload is safe, with the answers to publish and their MN.
Take = Callable[[str, bytes, Callable[[Sequence[tuple[str, bytes]]], None]], None]


class Subscription:
    """One broker; paho's own thread reads it and connects again by itself."""

    def __init__(self, settings: Mqtt, take: Take, told: Callable[[str], None]) -> None:
        """Prepare it.

        Raises:
            CatalogueError: the variable with the password is not set.
        """
        self.settings, self._take, self._told = settings, take, told
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=settings.client_id, clean_session=False, manual_ack=True
        )
        if settings.user:
            if settings.password_env not in os.environ:
                raise CatalogueError(
                    [f"{FILE}: mqtt: the environment variable {settings.password_env!r} is not set (password_env)"]
                )
            self._client.username_pw_set(settings.user, os.environ[settings.password_env])
        if settings.tls:
            self._client.tls_set_context(ssl.create_default_context())
        self._client.reconnect_delay_set(1, 60)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message

    def start(self) -> None:
        """Connect, now or as soon as the broker is there, and read."""
        self._client.connect_async(self.settings.host, self.settings.port)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps what is not acknowledged."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(
        self, client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _props: Properties | None
    ) -> None:
        if code.is_failure:
            self._told(f"refused: {code}")
            return
        self._told("connected")
        client.subscribe([(topic, 1) for topic in self.settings.topics])

    def _disconnected(
        self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _props: Properties | None
    ) -> None:
        self._told(f"disconnected: {code}")

    def _message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        mid, qos = message.mid, message.qos

        def safe(replies: Sequence[tuple[str, bytes]]) -> None:
            client.ack(mid, qos)
            wanted = replies if self.settings.reply else ()
            for mn, reply in (r for r in wanted if _NUMBER.fullmatch(r[0])):  # it becomes part of a topic
                client.publish(self.settings.reply.replace("{mn}", mn), reply, qos=1)

        self._take(message.topic, bytes(message.payload), safe)
