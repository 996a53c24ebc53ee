# SPDX-License-Identifier: GPL-2.0-only
"""What a block backend lies about beside what any backend can: operations and their outcome, and the disk that
it is when it comes back."""
import blkif
from lies import AnswerLie, Lie
from statelies import Other


class BlockLie(AnswerLie):
    """An answer to a request of some kinds."""
    operations = (blkif.READ, blkif.WRITE)

    def fits(self, request):
        return request.operation in self.operations


class OperationWrong(BlockLie):
    name, text = "wrong-op", "an answer names another operation than its request"

    def change(self, connection, request, answer):
        answer.operation = blkif.WRITE if request.operation == blkif.READ else blkif.READ


class StatusUnknown(BlockLie):
    name, text = "status", "an answer's status is N, which the protocol does not know"
    default = -7

    def change(self, connection, request, answer):
        answer.status = self.argument


class ErrorOnce(BlockLie):
    name, text = "error-once", "one request fails, as a bad block would make it"

    def change(self, connection, request, answer):
        answer.status = blkif.ERROR


class ErrorOnWrite(ErrorOnce):
    name, text, operations = "error-write", "one write fails", (blkif.WRITE,)


class Unsupported(BlockLie):
    def change(self, connection, request, answer):
        answer.status = blkif.EOPNOTSUPP


class FlushUnsupported(Unsupported):
    name, text, operations = "eopnotsupp-flush", "flush was announced and is not supported", (blkif.FLUSH,)


class BarrierUnsupported(Unsupported):
    name, text, operations = "eopnotsupp-barrier", "barrier was announced and is not supported", (blkif.BARRIER,)


class DiscardUnsupported(Unsupported):
    name, text, operations = "eopnotsupp-discard", "discard was announced and is not supported", (blkif.DISCARD,)


class WriteUnsupported(Unsupported):
    name, text, operations = "eopnotsupp-write", "one write is not supported", (blkif.WRITE,)


class LastMoment(Lie):
    name = "last-moment"
    text = "what has come is answered when the front-end has closed; told once none of it is asked for again"

    def __init__(self, argument=None):
        super().__init__(argument)
        self.waiting, self.answered = [], None

    def take(self, connection, requests):
        if self.answered is None:
            self.waiting += requests
            return []
        again = [request for request in requests if (request.operation, request.sector) in self.answered]
        if again:
            self.over = True
            connection.backend.log(f"lie {self.name}: asked for again: {again[0]}")
        elif requests:
            self.tell(connection.backend, f"{len(self.answered)} requests answered at the last moment")
        return requests

    def keeps(self, connection):
        if self.waiting:
            requests, self.waiting = self.waiting, []
            self.answered = {(request.operation, request.sector) for request in requests}
            connection.answer(requests)
        return False


class FewerSegments(Other):
    name, text = "fewer-segments", "comes back without indirect segments"
    changes = {"feature-max-indirect-segments": None}


class SmallRing(Other):
    name, text = "small-ring", "comes back with a ring of one page"
    changes = {"max-ring-page-order": "0"}


class NoFlush(Other):
    name, text = "no-flush", "comes back without flush and barrier"
    changes = {"feature-flush-cache": "0", "feature-barrier": "0"}


class NoDiscard(Other):
    name, text = "no-discard", "comes back without discard"
    changes = {"feature-discard": "0"}


class LargerSectors(Other):
    name, text = "larger-sectors", "comes back with sectors of 4096 bytes"
    changes = {"sector-size": "4096", "physical-sector-size": "4096"}


class SmallerSectors(Other):
    name, text = "smaller-sectors", "comes back with sectors of 512 bytes"
    changes = {"sector-size": "512", "physical-sector-size": "512"}


class SmallerDisk(Other):
    name, text, default = "smaller-disk", "comes back with N sectors", 1024

    def keys(self, backend):
        return {"sectors": str(self.argument)}
