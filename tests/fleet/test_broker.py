"""A worker whose word to the broker was lost still takes the next message."""

import pytest
from kombu import Connection, Queue

import fleet.broker
from tests.infrastructure.servers import servers


def test_worker_with_one_place_when_its_word_to_the_broker_is_lost_then_it_is_not_deaf_ever_after(monkeypatch):
    with Connection(servers.broker.url) as broker:
        channel = broker.channel()
        channel.basic_qos(prefetch_size=0, prefetch_count=1, apply_global=False)
        queue = Queue("deaf-or-not", channel=channel)
        queue.declare()
        queue.purge()
        with broker.Producer(channel=channel) as producer:
            producer.publish({"ring": 1}, routing_key="deaf-or-not")
        message = queue.get()
        assert channel.qos.can_consume() is False

        def cut(_self: object, _tag: str) -> None:
            raise ConnectionError("cut")

        monkeypatch.setattr(fleet.broker.redis.QoS, "ack", cut)
        with pytest.raises(ConnectionError):
            channel.qos.ack(message.delivery_tag)

        assert channel.qos.can_consume() is True
        queue.purge()
