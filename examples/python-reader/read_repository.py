#!/usr/bin/env python3
"""Reads an unencrypted backup repository of faiss-memory from a folder. Needs only the standard library.

    read_repository.py list FOLDER              snapshots of all machines, oldest first
    read_repository.py read FOLDER SNAPSHOT     every memory of a snapshot as JSON lines
    read_repository.py verify FOLDER            checks every snapshot: hashes, counts, digests

SNAPSHOT is an id, a name such as auto_20260131_235959, or machine/name. Written from docs/storage-format.md and
independent of faiss-memory itself. Exit codes: 0 no damage, 1 damage, 2 this program cannot read the repository.
"""

import argparse
import base64
import gzip
import hashlib
import json
import math
import re
import struct
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

MACHINE = re.compile(r"[0-9a-f]{16}")
SHA_256 = re.compile(r"[0-9a-f]{64}")
SNAPSHOT_ID = re.compile(r"\d{8}t\d{9}z-[0-9a-f]{8}-[0-9a-f]{12}")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Damaged(Exception):
    """An object has other content than its writer stored."""


class Unreadable(Exception):
    """This program cannot read the repository: it is encrypted, too new, or missing."""


def check(condition, problem):
    if not condition:
        raise Damaged(problem)


def unpack(path, expected_hash=None):
    """The decompressed bytes of one object."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path} is missing") from None
    if stored[:4] == b"FMEM":
        raise Unreadable(f"{path} is encrypted")
    if expected_hash is not None:
        check(hashlib.sha256(stored).hexdigest() == expected_hash, f"{path} has another SHA-256")
    try:
        return gzip.decompress(stored)
    except (OSError, EOFError) as error:
        raise Damaged(f"{path} does not decompress: {error}") from None


def read_json(path, format_name, expected_hash=None):
    value = json.loads(unpack(path, expected_hash))
    check(value.get("format") == format_name, f"{path} is no {format_name}")
    if value["version"] != 1:
        raise Unreadable(f"{path} has format version {value['version']}")
    return value


def read_heads(folder):
    """Pairs of a machine and a snapshot's entry in its head, for all machines, oldest first."""
    root = Path(folder) / "v1"
    if not root.is_dir():
        raise Unreadable(f"{folder} holds no repository: there is no folder v1")
    found = []
    for machine_folder in sorted(root.iterdir()):
        machine = machine_folder.name
        if not MACHINE.fullmatch(machine) or not (machine_folder / "head").is_file():
            continue
        head = read_json(machine_folder / "head", "faiss-memory-head")
        check(head["machine"] == machine, f"the head in {machine_folder} is of another machine")
        for snapshot in head["snapshots"]:
            check(SNAPSHOT_ID.fullmatch(snapshot["snapshotId"]), "a snapshot id is malformed")
            found.append((machine, snapshot))
    return sorted(found, key=lambda pair: pair[1]["createdAt"])


def name_of(snapshot):
    time = EPOCH + timedelta(milliseconds=snapshot["createdAt"])
    return f"{snapshot['kind']}_{time:%Y%m%d_%H%M%S}"


def find_snapshot(folder, query):
    machine_part, _, name = query.rpartition("/")
    found = [
        (machine, snapshot)
        for machine, snapshot in read_heads(folder)
        if machine.startswith(machine_part) and name in (snapshot["snapshotId"], name_of(snapshot))
    ]
    if len(found) != 1:
        ids = ", ".join(f"{machine}/{snapshot['snapshotId']}" for machine, snapshot in found)
        raise Unreadable(f"{query} names {len(found)} snapshots: {ids}")
    return found[0]


def read_manifest(folder, machine, snapshot):
    path = Path(folder) / "v1" / machine / "snapshots" / snapshot["snapshotId"]
    manifest = read_json(path, "faiss-memory-snapshot", snapshot["manifestHash"])
    check(manifest["snapshotId"] == snapshot["snapshotId"], f"{path} is another snapshot")
    check(manifest["machine"] == machine, f"{path} is of another machine")
    return manifest


def read_rows(folder, manifest):
    """Yields every memory once: for each id, the row in the newest segment that has one."""
    seen = set()
    for entry in reversed(manifest["segments"]):
        check(SHA_256.fullmatch(entry["name"]), "the name of a segment is malformed")
        path = Path(folder) / "v1" / manifest["machine"] / "segments" / entry["name"]
        lines = unpack(path, entry["name"])
        check(len(lines) == entry["plainBytes"], f"{path} has another size than its manifest says")
        rows = lines.split(b"\n")
        check(rows.pop() == b"", f"{path} ends inside a line")
        check(len(rows) == entry["rows"], f"{path} has another number of rows")
        for line in rows:
            row = json.loads(line, parse_int=float)
            if row["id"] not in seen:
                seen.add(row["id"])
                yield row


def current_version(siblings):
    """The version that is shown: live before purged before deleted, then the latest, then by machine and n."""
    order = {"live": 0, "purged": 1, "deleted": 2, "stripped": 2}
    return min(
        siblings,
        key=lambda version: (
            order[version["state"]],
            -version["updatedAt"],
            [-ord(digit) for digit in version["dot"][0]],
            -version["dot"][1],
        ),
    )


def decode_vector(text):
    """The floats of one chunk, from a float32 scale (little endian) and one signed byte for each dimension."""
    data = base64.b64decode(text)
    (scale,) = struct.unpack_from("<f", data)
    return [component * scale for component in struct.unpack_from(f"<{len(data) - 4}b", data, 4)]


def canonical_number(value):
    """A number as JavaScript writes it: the shortest digits that round back, an exponent below 1e-6 and from 1e21 on."""
    check(math.isfinite(value), "a number is not finite")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + exponent
    if 0 < point <= 21:
        body = text + "0" * (point - len(text)) if point >= len(text) else f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        body = f"0.{'0' * -point}{text}"
    else:
        mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
        body = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return ("-" if sign else "") + body


def canonical(value):
    """JSON with keys sorted by UTF-16 code units and no white space."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return canonical_number(float(value))
    if isinstance(value, list):
        return f"[{','.join(map(canonical, value))}]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"


def number_of(text):
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def verify(folder, machine, snapshot):
    """Reads a whole snapshot and compares it with its manifest. Returns the number of memories."""
    manifest = read_manifest(folder, machine, snapshot)
    content_sum = state_sum = memories = live = 0
    for row in read_rows(folder, manifest):
        memories += 1
        dots = sorted(version["dot"] for version in row["siblings"])
        state_sum += number_of(canonical({"id": row["id"], "dots": dots}))
        shown = current_version(row["siblings"])
        if shown["state"] == "live":
            live += 1
            fields = ("text", "tags", "source", "metadata", "createdAt", "updatedAt")
            content_sum += number_of(canonical({"id": row["id"], **{field: shown[field] for field in fields}}))
        for version in row["siblings"]:
            for vectors in version.get("vectors", []):
                for _start, _end, encoded in vectors["chunks"]:
                    check(len(decode_vector(encoded)) == vectors["dimension"], "a vector has another dimension")
    siblings = f"{state_sum % 2**256:064x}"
    state = f"{number_of(canonical({'clock': manifest['clock'], 'siblings': siblings})):064x}"
    check(memories == manifest["facts"]["memories"], f"{memories} memories instead of {manifest['facts']['memories']}")
    check(live == manifest["facts"]["live"], f"{live} live memories instead of {manifest['facts']['live']}")
    check(f"{content_sum % 2**256:064x}" == manifest["contentDigest"], "the content digest differs")
    check(state == manifest["stateDigest"], "the state digest differs")
    return memories


def run(arguments):
    if arguments.command == "list":
        for machine, snapshot in read_heads(arguments.folder):
            facts = snapshot["facts"]
            print(f"{machine}/{snapshot['snapshotId']}  {name_of(snapshot)}  {facts['live']} live, {facts['trash']} in the trash")
    elif arguments.command == "read":
        machine, snapshot = find_snapshot(arguments.folder, arguments.snapshot)
        for row in read_rows(arguments.folder, read_manifest(arguments.folder, machine, snapshot)):
            print(canonical(row))
    else:
        for machine, snapshot in read_heads(arguments.folder):
            print(f"{machine}/{snapshot['snapshotId']}  {verify(arguments.folder, machine, snapshot)} memories, good")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("list", "read", "verify"):
        command = commands.add_parser(name)
        command.add_argument("folder")
        if name == "read":
            command.add_argument("snapshot")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    try:
        run(parser.parse_args())
    except (Damaged, KeyError, TypeError, ValueError, OverflowError) as error:
        print(f"damaged: {error}", file=sys.stderr)
        return 1
    except Unreadable as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
