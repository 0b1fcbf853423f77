# SPDX-License-Identifier: MIT
"""What was sent and what is in the stores: {(metric, second): value}, and how they differ."""
import collections
import time

import parts
import whisper

# Of one store: how many of the values are there; keys that are not; keys whose value differs; values that are there more than once; keys that
# nobody sent; how many values there are in all, those that the aggregator has of itself included.
Difference = collections.namedtuple("Difference", "arrived lost wrong twice unknown all")


def metric_of(host, path):
    """The name in Graphite of a file of csv: kvmstat-linux01/derive-exit_null-2000-01-01."""
    name = path.name[:-len("-2000-01-01")]
    return parts.PREFIX + ".".join(part.replace(".", "_") for part in (host, path.parent.name, name))


def csv_rows(client):
    """(metric, seconds as they were, value) of everything that csv wrote of a client."""
    for path in (client.directory / "csv").glob("*/*/*"):
        metric = metric_of(client.HOST, path)
        for line in path.read_text().splitlines()[1:]:
            when, value = line.split(",")
            yield metric, float(when), float(value)


def sent(clients):
    """{key: values}. Graphite has whole seconds, the nearest ones. There is one value in each, but for an event that first happens between the
    look that kvmstat.so takes when collectd starts and the first pass a moment later: the 0 before it has the same second."""
    found = collections.defaultdict(list)
    for client in clients:
        for metric, when, value in csv_rows(client):
            found[metric, int(when + 0.5)].append(float(value))
    return found


def in_whisper(store, since):
    top, until = store.directory(), int(time.time()) + 1
    for path in (top / parts.PREFIX.strip(".")).rglob("*.wsp"):
        metric = ".".join(path.relative_to(top).with_suffix("").parts)
        (begin, _, step), values = whisper.fetch(str(path), int(since), until)
        for index, value in enumerate(values):
            if value is not None:
                yield metric, begin + index * step, value


def in_victoria(store):
    for metric, seconds, values in store.export():
        for second, value in zip(seconds, values):
            yield metric, second, value


def same(value, wanted):
    """csv writes six digits behind the point."""
    return any(value == one or abs(value - one) < 1e-6 and one % 1 for one in wanted)


def stored(store, since):
    """{key: values}"""
    found = collections.defaultdict(list)
    for metric, second, value in in_victoria(store) if isinstance(store, parts.Victoria) else in_whisper(store, since):
        found[metric, second].append(value)
    return found


def of_hosts(found, hosts):
    return {key: values for key, values in found.items() if key[0].split(".")[1] in hosts}


def compare(wanted, store, since):
    """The aggregator has values of its own, which nobody wrote down: only those of hosts that sent something."""
    every = stored(store, since)
    found = of_hosts(every, {metric.split(".")[1] for metric, _ in wanted})
    return Difference(
        arrived=sum(key in found for key in wanted), lost=[key for key in wanted if key not in found],
        wrong=[key for key, values in found.items() if key in wanted and not all(same(value, wanted[key]) for value in values)],
        twice=sum(len(values) > max(1, len(wanted.get(key, ()))) for key, values in found.items()),
        unknown=[key for key in found if key not in wanted], all=len(every))
