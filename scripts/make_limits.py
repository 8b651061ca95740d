#!/usr/bin/env python3
"""Prints docs/reference/limits.md from the `constexpr ... k...Max` constants: every one in the public headers, and those
inside of the modules that a documentation comment (`///`) says something about: users meet them.

    scripts/make_limits.py > docs/reference/limits.md
"""
import glob
import os
import re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
LIMIT = re.compile(r"^\s*(?:(?:inline|static) )?constexpr (?P<type>[\w:]+) (?P<name>k\w*Max) = (?P<value>[^;]+);\s*(?:///?<? ?(?P<note>.*))?$")
MICROS = {"kMicrosPerMs": 1_000, "kMicrosPerSecond": 1_000_000, "kMicrosPerDay": 86_400_000_000}
HEAD = """# Limits

Every queue, size, depth and count that input can drive has a limit. This page is made by `scripts/make_limits.py` from
the source, so it can't disagree with the program. What a limit cut off is named in the result, and makes it
partial where it matters (exit code 10).

| limit | value | where | meaning |
|---|---|---|---|
"""


def number(text, known):
    text = re.sub(r"\b(?:std::u?int\d+_t|std::size_t|Micros)\b", "", text)
    text = re.sub(r"\{([^{}]*)\}", r"(\1)", text).replace("'", "")
    text = re.sub(r"(?<=\d)[uUlL]+\b", "", text)
    text = re.sub(r"\bk\w+", lambda m: str({**MICROS, **known}.get(m[0], "?")), text)
    return eval(text, {"__builtins__": {}}) if re.fullmatch(r"[\d\s()+\-*/<>.]+", text) else None


def shown(name, kind, value):
    if value is None:
        return "see the header"
    if kind == "Micros" or "Us" in name:
        for size, unit in ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms")):
            if value >= size and value % size == 0:
                return f"{value // size} {unit}"
        return f"{value} µs"
    if "Bytes" in name:
        for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if value >= size and value % size == 0:
                return f"{value // size:,} {unit}"
        return f"{value:,} bytes"
    return f"{value:,}"


def words(name):
    return re.sub(r"(?<!^)([A-Z])", lambda m: " " + m[1].lower(), name[1:-3]).lower()


def clean(note):
    return note.replace('|', '\\|').strip()


def is_public(path):
    return "/include/" in path


def sources():
    found = glob.glob(os.path.join(ROOT, "src/**/*.[ch]pp"), recursive=True)
    paths = (os.path.relpath(path, ROOT) for path in found)
    return sorted(path for path in paths if not re.search(r"/testing/|_(?:test|bench|fuzz)\.cpp$", path))


def rows(public):
    for path in sources():
        if is_public(path) != public:
            continue
        known, above = {}, []
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            for line in file:
                found = LIMIT.match(line)
                if found:
                    value = number(found["value"], known)
                    known[found["name"]] = value
                    documented = found["note"] if "///" in line else " ".join(above)
                    note = documented or found["note"] or words(found["name"]) + ", at most"
                    if public or documented:
                        yield f"| `{found['name']}` | {shown(found['name'], found['type'], value)} | [{path}](../../{path}) | {clean(note)} |"
                comment = re.match(r"\s*/// ?(.*)" if not public else r"\s*///? ?(.*)", line)
                above = above + [comment[1].strip()] if comment else []


print(HEAD + "\n".join([*rows(public=True), *rows(public=False)]))
