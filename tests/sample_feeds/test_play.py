"""Simulated devices that send: their times moved, their answers awaited, and what nobody answers sent again."""

import asyncio
import re
from datetime import timedelta

from domain.registry import Registry
from sample_feeds.hj212_frames import frame
from sample_feeds.play import REPEATS, Played, packets, send
from sample_feeds.scenario import load
from sample_feeds.simulate import COUNTY

START = load().start
HOUR = timedelta(hours=1)


def some(by=timedelta(0)):
    return packets(Registry.load(COUNTY), load(), START, START + 2 * HOUR, seed=1, by=by)


def test_moved_by_days_only_the_times_differ():
    there, here = some(timedelta(days=30)), some()
    assert [p.at for p in there] == [p.at + timedelta(days=30) for p in here]
    digits = re.compile(rb"QN=\d{8}|DataTime=\d{8}|##\d{4}|&&[0-9A-Fa-f]{4}\r\n")
    assert [digits.sub(b"", p.content) for p in there] == [digits.sub(b"", p.content) for p in here]
    assert there[0].content != here[0].content


def test_only_whole_frames_that_ask_are_awaited():
    assert {len(p.awaited) for p in some()} >= {0, 1}
    asks = next(p for p in some() if p.awaited)
    spoilt = type(asks)(asks.at, asks.mn, asks.content[:-6] + b"0000\r\n", breaks=False)
    assert spoilt.awaited == frozenset()


async def _server(deaf):
    """Answers every packet after the first `deaf` times it comes."""
    seen = {}

    async def serve(reader, writer):
        while line := await reader.readline():
            qn = re.search(rb"QN=(\d{17})", line)
            if qn:
                seen[line] = seen.get(line, 0) + 1
                if seen[line] > deaf:
                    writer.write(frame(b"QN=" + qn[1] + b";ST=91;CN=9014;PW=1;MN=1;Flag=4;CP=&&&&"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1], seen


def _played(deaf, found):
    async def go():
        server, port, seen = await _server(deaf)
        done = await send(found, "127.0.0.1", port, answer_s=0.05)
        server.close()
        return done, seen

    return asyncio.run(go())


def test_who_is_answered_sends_once():
    found = [p for p in some() if p.awaited][:10]
    done, seen = _played(0, found)
    assert done == Played(sent=10, answered=sum(len(p.awaited) for p in found))
    assert set(seen.values()) == {1}


def test_who_is_not_answered_sends_again_and_gives_up_in_the_end():
    found = [p for p in some() if len(p.awaited) == 1][:1]
    done, seen = _played(1, found)
    assert (done.repeated, done.lost, list(seen.values())) == (1, 0, [2])
    done, seen = _played(99, found)
    assert (done.repeated, done.lost, list(seen.values())) == (REPEATS, 1, [1 + REPEATS])
