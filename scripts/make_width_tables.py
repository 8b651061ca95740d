#!/usr/bin/env python3
"""Prints src/base/src/width_tables.hpp from Python's Unicode database. Run by hand when Unicode moves on:
scripts/make_width_tables.py > src/base/src/width_tables.hpp && clang-format-19 -i src/base/src/width_tables.hpp
"""
import sys
import unicodedata


def ranges(predicate):
    out, start = [], None
    for code in range(0x110001):
        inside = code < 0x110000 and predicate(code)
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            out.append((start, code - 1))
            start = None
    return out


def zero_width(code):
    char = chr(code)
    if code == 0x00AD:  # the soft hyphen is drawn
        return False
    if 0x1160 <= code <= 0x11FF:  # Hangul vowels and finals join the syllable before them
        return True
    return unicodedata.category(char) in ("Mn", "Me", "Cf")


def wide(code):
    return not zero_width(code) and unicodedata.east_asian_width(chr(code)) in ("W", "F")


def table(name, rows):
    cells = ", ".join("{0x%X, 0x%X}" % row for row in rows)
    return "inline constexpr CodePointRange %s[] = {%s};\n" % (name, cells)


sys.stdout.write("#pragma once\n\n// Made by scripts/make_width_tables.py from Unicode %s.\n\nnamespace wrench::detail {\n\n"
                 "struct CodePointRange {\n  char32_t first;\n  char32_t last;\n};\n\n" % unicodedata.unidata_version)
sys.stdout.write(table("kZeroWidth", ranges(zero_width)) + "\n" + table("kWide", ranges(wide)))
sys.stdout.write("\n}  // namespace wrench::detail\n")
