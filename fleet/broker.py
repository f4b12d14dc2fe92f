"""What our workers need of the broker's client beyond its own: not to grow deaf when a connection is cut."""

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    """Frees a message's place also when the broker could not be told that it was taken.

    kombu tells the broker first and frees the place afterwards. When just that connection is cut, while the one that
    waits for messages lives on, it logs "Couldn't ack" and goes on with one place less: a worker with a single place
    takes nothing ever after, and looks alive (seen with kombu 5.7 in November 2026). The message stays with the broker
    as not taken and comes again when its time is over: a doorbell that rings twice.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        finally:
            if delivery_tag in self._delivered and delivery_tag not in self._dirty:
                virtual.QoS.ack(self, delivery_tag)


redis.Channel.QoS = QoS
