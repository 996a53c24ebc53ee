# SPDX-License-Identifier: GPL-2.0-only
"""What a network backend lies about beside what any backend can: what becomes of the guest's packets, and
what is in the buffers that it gets back."""
import lies
import netif
from lies import AnswerLie, Lie


class SendLie(AnswerLie):
    """Another status for one slot of the guest's."""
    default = netif.ERROR

    def change(self, connection, request, answer):
        answer.status = self.argument


class SendStatus(SendLie):
    name, text, default = "send-status", "a slot's status is N, which the protocol does not know", 99


class SendError(SendLie):
    name, text = "send-error", "a slot fails: the packet was nothing for this backend"


class SendDropped(SendLie):
    name, text, default = "send-dropped", "a slot is answered as dropped", netif.DROPPED


class DeliverLie(Lie):
    """Changes the slots of one packet for the guest. least: how many it must have."""
    least = 1

    def change(self, answers):
        raise NotImplementedError

    def deliver(self, connection, answers):
        if self.over or len(answers) < self.least:
            return answers
        before = list(map(str, answers))
        answers = self.change(answers) or answers
        self.tell(connection.backend, f"{before} became {list(map(str, answers))}")
        return answers


class DeliverId(DeliverLie):
    name, text, default = "deliver-id", "a buffer's number is N more than that of its slot", 1

    def change(self, answers):
        answers[0].id += self.argument


class DeliverStatus(DeliverLie):
    name, text, default = "deliver-status", "a buffer holds N bytes", 32767

    def change(self, answers):
        answers[0].status = self.argument


class DeliverLastStatus(DeliverLie):
    name, text, default, least = "deliver-last-status", "the last buffer of several holds N bytes", -1, 2

    def change(self, answers):
        answers[-1].status = self.argument


class DeliverOffset(DeliverLie):
    name, text, default = "deliver-offset", "a packet begins at byte N of its buffer", 4095

    def change(self, answers):
        answers[0].offset = self.argument


class DeliverEndless(DeliverLie):
    name, text = "deliver-endless", "a packet's last slot says that there are more"

    def change(self, answers):
        answers[-1].flags |= netif.MORE_DATA


class ExtraLie(DeliverLie):
    """Extra information behind the first slot, in the place of buffers."""

    def extras(self):
        raise NotImplementedError

    def deliver(self, connection, answers):
        # The buffers whose slots these take are not filled; of several slots the numbers would be wrong, too.
        if self.over or len(answers) > 1:
            return answers
        del connection.buffers[:len(self.extras())]
        return super().deliver(connection, answers)

    def change(self, answers):
        answers[0].flags |= netif.EXTRA_INFO
        return answers[:1] + self.extras() + answers[1:]


class ExtraType(ExtraLie):
    name, text, default = "extra-type", "extra information of type N", 77

    def extras(self):
        return [netif.FilledExtra(self.argument)]


class ExtraEndless(ExtraLie):
    name, text = "extra-endless", "extra information that says that there is more, and is not"

    def extras(self):
        return [netif.FilledExtra(netif.EXTRA_GSO, netif.EXTRA_MORE, 1448, netif.GSO_TCPV4)]


class GsoSize(ExtraLie):
    name, text, default = "gso-size", "a packet is to be cut to N bytes", 0

    def extras(self):
        return [netif.FilledExtra(netif.EXTRA_GSO, 0, self.argument, netif.GSO_TCPV4)]


class GsoType(ExtraLie):
    name, text, default = "gso-type", "a packet is to be cut in the way N", 99

    def extras(self):
        return [netif.FilledExtra(netif.EXTRA_GSO, 0, 1448, self.argument)]


class ChecksumBlank(DeliverLie):
    name, text = "csum-blank", "a packet that has no such checksum is said to lack it"

    def change(self, answers):
        answers[0].flags |= netif.CSUM_BLANK | netif.VALIDATED


class OnReceiving:
    """Makes a lie about the one ring's rsp_prod one about the other's."""

    def spoil(self, connection):
        pass

    def published(self, connection, first, answers):
        pass

    def spoil_receiving(self, connection):
        self.falsify(connection.receiving)

    def delivered(self, connection):
        self.forget(connection, connection.receiving)


class DeliverJump(OnReceiving, lies.ProducerJump):
    name, text = "deliver-prod-jump", "the receive ring's rsp_prod jumps by more than the ring holds"


class DeliverAhead(OnReceiving, lies.ProducerAhead):
    name, text = "deliver-prod-ahead", "the receive ring's rsp_prod is ahead of the buffers, within the ring's size"


class DeliverBack(OnReceiving, lies.ProducerBack):
    name, text = "deliver-prod-back", "the receive ring's rsp_prod moves backwards"


class HoldBuffer(Lie):
    name, text, default = "hold-buffer", "a buffer stays mapped for N seconds after it was given back filled", 3.0

    def deliver(self, connection, answers):
        # What is small is copied out of its buffer, which stays where it is.
        if not self.over and len(answers) > 1:
            buffer = connection.filling[0]
            self.tell(connection.backend, f"{buffer}: held {self.argument} s")
            connection.hold(buffer)
            connection.backend.after(self.argument, connection.release)
        return answers
