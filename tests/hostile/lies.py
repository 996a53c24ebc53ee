# SPDX-License-Identifier: GPL-2.0-only
"""What a backend of any kind lies about in its answers, its ring and its mappings. Each lie is told once, to
the next request that it fits, and then the backend is honest again; see Lie for what one can do when."""
import os
import random
import signal

U32 = 1 << 32


class Lie:
    """name[=argument] on the command line; text says what it does."""
    name = text = ""
    default = None          # of the argument; its type is the argument's

    def __init__(self, argument=None):
        if argument is None:
            self.argument = self.default
        elif self.default is None:
            raise ValueError(f"lie \"{self.name}\" takes no argument, \"{argument}\" was given")
        else:
            try:
                self.argument = type(self.default)(argument)
            except ValueError:
                raise ValueError(f"lie \"{self.name}\": \"{argument}\" is not a number") from None
        self.over = False

    def tell(self, backend, what):
        self.over = True
        backend.lied(self, what)

    def armed(self, backend):
        """It has just been ordered."""

    def offering(self, backend, offer):
        """The keys in xenstore are about to be written."""

    def refuses(self, backend):
        """The front-end has made its offer; true if it is turned down."""
        return False

    def take(self, connection, requests):
        """Requests have come; what is not returned is not answered."""
        return requests

    def amend(self, connection, requests, answers):
        """The answers to some requests are about to be written."""
        return answers

    def spoil(self, connection):
        """They are written and not yet visible."""

    def published(self, connection, first, answers):
        """They are visible, from that index on; the front-end is not told yet."""

    def served(self, connection):
        """All that had come is done."""

    # Of a network backend: what it gives to the guest.

    def deliver(self, connection, answers):
        """The slots of one packet are about to be written."""
        return answers

    def spoil_receiving(self, connection):
        """They are written and not yet visible."""

    def delivered(self, connection):
        """They are visible; the front-end is not told yet."""

    def keeps(self, connection):
        """The connection ends; true if mappings outlive it."""
        return False

    def disconnected(self, backend):
        """The connection has ended."""


class AnswerLie(Lie):
    """Changes one answer of one request."""
    def fits(self, request):
        return request.id >= 0

    def change(self, connection, request, answer):
        raise NotImplementedError

    def amend(self, connection, requests, answers):
        for request, answer in zip(requests, answers):
            if self.over or not self.fits(request):
                continue
            self.change(connection, request, answer)
            self.tell(connection.backend, f"{request}: answered {answer}")
        return answers


class WrongId(AnswerLie):
    def change(self, connection, request, answer):
        answer.id = self.wrong(connection, request)


class IdHuge(WrongId):
    name, text = "id-huge", "an answer's id is 2^64-1"

    def wrong(self, connection, request):
        return (1 << 64) - 1


class IdRange(WrongId):
    name, text = "id-range", "an answer's id is larger than any that can be"

    def wrong(self, connection, request):
        return request.id + 4096


class IdUnissued(WrongId):
    name, text = "id-unissued", "an answer's id is a plausible one that was not issued"

    def wrong(self, connection, request):
        # The guest may be issuing the next request just now. Its tags are handed out side by side, so what is
        # farthest from those in use is none of them.
        used = connection.unanswered | {request.id}
        return max(range(connection.ring.size), key=lambda number: min(abs(number - id) for id in used))


class IdDuplicate(Lie):
    name, text = "id-dup", "two answers to one request, none to its neighbour"

    def __init__(self, argument=None):
        super().__init__(argument)
        self.kept = []

    def take(self, connection, requests):
        requests, self.kept = self.kept + requests, []
        if len(requests) < 2:
            self.kept = requests
            return []
        return requests

    def amend(self, connection, requests, answers):
        if len(answers) > 1:
            answers[1] = answers[0]
            self.tell(connection.backend, f"{requests[0]}: answered twice")
        return answers


class ProducerLie(Lie):
    """rsp_prod is not what it should be, once."""
    real = None

    def spoil(self, connection):
        self.falsify(connection.ring)

    def published(self, connection, first, answers):
        self.forget(connection, connection.ring)

    def falsify(self, ring_):
        if not self.over:
            self.real, ring_.answered = ring_.answered, self.wrong(ring_) % U32

    def forget(self, connection, ring_):
        if self.real is not None and not self.over:
            self.tell(connection.backend, f"rsp_prod {ring_.answered}, really {self.real}")
            connection.channel.notify()
            # What follows is counted from the truth; the wrong index stays visible until then.
            ring_.answered = self.real


class ProducerJump(ProducerLie):
    name, text = "rsp-prod-jump", "rsp_prod jumps by more than the ring holds"

    def wrong(self, ring_):
        return ring_.answered + ring_.size + 1


class ProducerAhead(ProducerLie):
    name, text = "rsp-prod-ahead", "rsp_prod is ahead of the requests, within the ring's size"

    def wrong(self, ring_):
        return ring_.req_prod.value + 1


class ProducerBack(ProducerLie):
    name, text = "rsp-prod-back", "rsp_prod moves backwards"

    def wrong(self, ring_):
        return ring_.rsp_prod.value - 1


class Silence(Lie):
    name, text = "silence", "no request is answered any more until the front-end connects anew"
    told = False

    def take(self, connection, requests):
        if requests and not self.told:
            self.told = True
            connection.backend.lied(self, f"{len(requests)} requests: no answer")
        return []

    def disconnected(self, backend):
        self.over = self.told


class Late(Lie):
    name, text, default = "late", "answers come after N seconds; slow, and right", 60.0

    def take(self, connection, requests):
        if requests:
            self.tell(connection.backend, f"{len(requests)} requests: answered in {self.argument} s")
            connection.backend.after(self.argument, lambda: connection.answer(requests))
        return []


class Reverse(Lie):
    name, text, default = "reverse", "answers come in reverse order, N times; odd, and right", 20

    def __init__(self, argument=None):
        super().__init__(argument)
        self.waiting = []

    def take(self, connection, requests):
        if requests and not self.waiting:
            connection.backend.after(0.05, lambda: self.release(connection))
        self.waiting += requests
        return []

    def disconnected(self, backend):
        self.waiting = []

    def release(self, connection):
        if connection.closed:
            return
        requests, self.waiting = self.waiting[::-1], []
        self.argument -= 1
        if self.argument <= 0:
            self.tell(connection.backend, f"the last {len(requests)} requests: answered backwards")
        connection.answer(requests)


class Mute(Lie):
    name, text = "no-notify", "answers are written, but no event says so until the front-end connects anew"
    told = False

    def take(self, connection, requests):
        if requests and not self.told:
            self.told = connection.muted = True
            connection.backend.lied(self, f"{len(requests)} requests and all that follow: no event")
        return requests

    def disconnected(self, backend):
        self.over = self.told


class Storm(Lie):
    name, text, default = "storm", "N seconds of events without end", 5.0

    def served(self, connection):
        self.tell(connection.backend, f"events for {self.argument} s")
        connection.storm(self.argument)


class HoldData(Lie):
    name, text, default = "hold-data", "data stays mapped for N seconds after its request was answered", 3.0

    def take(self, connection, requests):
        requests_with_data = [request for request in requests if request.grants]
        if requests_with_data and not self.over:
            connection.hold(requests_with_data[0])
            self.tell(connection.backend, f"{requests_with_data[0]}: held {self.argument} s")
            connection.backend.after(self.argument, connection.release)
        return requests


class HoldClosed(Lie):
    name, text, default = "hold-closed", "ring and data stay mapped for N seconds after Closed", 3.0
    told = False

    def take(self, connection, requests):
        for request in requests:
            connection.hold(request)
        if requests and not self.told:
            self.told = True
            connection.backend.lied(self, f"{len(requests)} requests: held over Closed, {self.argument} s")
            connection.backend.ask_to_close()
        return []

    def keeps(self, connection):
        if not self.told:
            return False
        connection.backend.after(self.argument, connection.let_go)
        return True

    def disconnected(self, backend):
        self.over = self.told


class Scribble(Lie):
    name, text, default = "scribble", "requests that were taken are overwritten, N times", 100

    def take(self, connection, requests):
        """From the last answer to the last request that was taken, the slots are the backend's."""
        ring_ = connection.ring
        for index in range(ring_.answered, ring_.consumed):
            ring_.scribble(index, random.getrandbits(8))
        ring_.rsp_event.value = (ring_.answered + 1) % U32      # the front-end's; so that it is told
        self.argument -= bool(requests)
        if not self.argument:
            self.tell(connection.backend, "done with overwriting requests")
        return requests


class RequestProducer(Lie):
    name, text, default = "req-prod", "req_prod is overwritten with garbage, N times", 20

    def served(self, connection):
        ring_ = connection.ring
        if self.over or ring_.req_prod.value != ring_.consumed:
            return
        ring_.planted = ring_.req_prod.value = random.getrandbits(32)
        self.argument -= 1
        if not self.argument:
            self.tell(connection.backend, "done with overwriting req_prod")


class Rewrite(Lie):
    name, text, default = "rewrite", "answers change after they were published, N times", 50

    def published(self, connection, first, answers):
        if self.over:
            return
        if not connection.muted:
            connection.channel.notify()
        ring_ = connection.ring
        for turn in range(40):
            answer = answers[turn % len(answers)]
            index = first + turn % len(answers)
            # Not once the front-end may have a new request there: that would be our own disk's end.
            if (ring_.req_prod.value - index) % U32 >= ring_.size:
                break
            ring_.rewrite(index, answer.garbage())
            ring_.rewrite(index, answer)
        self.argument -= 1
        if not self.argument:
            self.tell(connection.backend, "done with rewriting answers")


class Die(Lie):
    name, text = "die", "the backend is killed with grants mapped and requests unanswered"

    def take(self, connection, requests):
        for request in requests:
            connection.hold(request)
        if requests:
            self.tell(connection.backend, f"{len(requests)} requests: dies")
            os.kill(os.getpid(), signal.SIGKILL)
        return requests
