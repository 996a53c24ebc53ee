# SPDX-License-Identifier: GPL-2.0-only
"""Lies of a xenstored, each told once in the place of an honest answer."""
from storeproxy import DIRECTORY, ERROR, EVENT, HEADER, READ, Message, packed
from ring import U32

ALL = {}


def lie(function):
    ALL[function.__name__.replace("_", "-")] = function
    return function


def event(body):
    return packed(Message(EVENT, 0, 0, body))


# ---- headers

@lie
def too_long(proxy, answer):
    proxy.say(HEADER.pack(answer.kind, answer.request, answer.transaction, 4097) + bytes(4097))


@lie
def endless(proxy, answer):
    proxy.say(HEADER.pack(answer.kind, answer.request, answer.transaction, U32 - 1) + answer.body)


@lie
def of_another(proxy, answer):
    """An answer to what nobody has asked; the right one follows."""
    proxy.say(packed(answer._replace(request=answer.request ^ 0x5a5a5a)) + packed(answer))


@lie
def unknown_kind(proxy, answer):
    proxy.say(packed(answer._replace(kind=99)))


@lie
def other_kind(proxy, answer):
    proxy.say(packed(answer._replace(kind=READ if answer.kind != READ else DIRECTORY)))


@lie
def twice(proxy, answer):
    proxy.say(packed(answer) * 2)


@lie
def half(proxy, answer):
    """A message that does not go on."""
    proxy.say(HEADER.pack(answer.kind, answer.request, answer.transaction, len(answer.body) + 100) + answer.body)
    proxy.mute = True


@lie
def silent(proxy, answer):
    proxy.mute = True


# ---- bodies

@lie
def empty(proxy, answer):
    proxy.say(packed(answer._replace(body=b"")))


@lie
def no_end(proxy, answer):
    proxy.say(packed(answer._replace(body=b"x" * 4096)))


@lie
def error_empty(proxy, answer):
    proxy.say(packed(answer._replace(kind=ERROR, body=b"")))


@lie
def error_without_end(proxy, answer):
    proxy.say(packed(answer._replace(kind=ERROR, body=b"ENOENT")))


@lie
def error_unknown(proxy, answer):
    proxy.say(packed(answer._replace(kind=ERROR, body=b"EWHATEVER\0")))


# ---- events

@lie
def event_empty(proxy, answer):
    proxy.say(event(b"") + packed(answer))


@lie
def event_of_one_word(proxy, answer):
    proxy.say(event(b"device\0") + packed(answer))


@lie
def event_without_end(proxy, answer):
    proxy.say(event(b"device\0token") + event(b"x" * 4096) + packed(answer))


@lie
def event_of_nobody(proxy, answer):
    proxy.say(event(b"device\0FFFF8880DEADBEEF\0") + packed(answer))


@lie
def event_flood(proxy, answer):
    """Of each of the guest's own watches more than it remembers."""
    for path, token in proxy.tokens[:4]:
        proxy.out += event(path + b"\0" + token + b"\0") * 3000
    proxy.say(packed(answer))


# ---- indices

@lie
def rsp_prod(proxy, answer):
    proxy.page.rsp_prod.value = (proxy.page.rsp_cons.value + 5000) % U32
    proxy.mute = True
    proxy.channel.notify()


@lie
def req_cons(proxy, answer):
    """Seen by the next request."""
    proxy.say(packed(answer))
    proxy.page.req_cons.value = (proxy.page.req_prod.value + 5000) % U32
    proxy.mute = True
    proxy.channel.notify()
