#!/usr/bin/env python3
"""Checks every #include under src/ against what the modules declare.

    scripts/check_includes.py BUILD_DIR [--source-dir DIR]

BUILD_DIR/modules.txt is written by wrench_write_module_table(). The rules:
  - "wrench/<m>/x.hpp" names the module itself or one of its direct dependencies;
  - third-party headers appear only in modules that declare them, only where ALLOWED lets them, never in a public header;
  - any other header in angle brackets is one of C++ or of Linux, listed here: an unknown one is an error.
"""
import argparse
import os
import re
import sys

# First path component or whole header -> dependency name in wrench_module(THIRD_PARTY ...).
THIRD_PARTY = {
    "fmt": "fmt", "boost/json": "boost_json", "boost/json.hpp": "boost_json", "yaml.h": "yaml", "hs": "hyperscan",
    "hs.h": "hyperscan", "re2": "re2", "pcre2.h": "pcre2", "sqlite3.h": "sqlite", "libpq-fe.h": "pq", "openssl": "openssl", "sodium.h": "sodium", "zstd.h": "zstd",
    "CLI": "cli11", "tree_sitter": "tree_sitter", "date": "date",
}
# docs/architecture.md, "Modules": which module may use which third-party code.
ALLOWED = {
    "fmt": None,  # header-only formatting: wherever it is declared
    "boost_json": {"codec"}, "openssl": {"crypto"}, "sodium": {"crypto"}, "hyperscan": {"source", "secrets"}, "re2": {"codec", "source"},
    "pcre2": {"source"}, "yaml": {"codec", "source"}, "tree_sitter": {"code"}, "sqlite": {"storage"}, "pq": {"storage"}, "zstd": {"storage"},
    "cli11": {"app"}, "date": {"base"},
}
TEST_ONLY = {"gtest": "_test", "gmock": "_test", "benchmark": "_bench"}
LINUX = {
    "assert.h", "dirent.h", "errno.h", "fcntl.h", "fnmatch.h", "glob.h", "limits.h", "link.h", "poll.h", "pthread.h", "pwd.h", "sched.h",
    "signal.h", "spawn.h", "stdio.h", "stdlib.h", "string.h", "strings.h", "syslog.h", "termios.h", "time.h", "unistd.h",
    "malloc.h", "pty.h", "stdint.h", "immintrin.h", "emmintrin.h", "cxxabi.h", "dlfcn.h", "locale.h", "wchar.h", "elf.h",
}
LINUX_FOLDERS = {"sys", "linux", "sanitizer", "asm", "netinet", "arpa"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(<([^>]+)>|"([^"]+)")')


class Module:
    def __init__(self, line):
        self.name, self.layer, self.folder, deps, third = line.rstrip("\n").split("|")
        self.deps = set(filter(None, deps.split(",")))
        self.third = set(filter(None, third.split(",")))


def third_party_of(header):
    parts = header.split("/")
    for key in (header, "/".join(parts[:2]), parts[0]):
        if key in THIRD_PARTY:
            return THIRD_PARTY[key]
    return None


def check_angle(module, path, public, header):
    first = header.split("/")[0]
    if first in TEST_ONLY:
        stem = os.path.splitext(os.path.basename(path))[0]
        if public or not (stem.endswith(TEST_ONLY[first]) or stem.startswith("test_") or "_test_" in stem):
            return f"<{header}> belongs in *{TEST_ONLY[first]} files only"
        return None
    dependency = third_party_of(header)
    if dependency is None:
        if "." not in header and "/" not in header:
            return None  # the C++ library
        if header in LINUX or first in LINUX_FOLDERS:
            return None
        return f"<{header}> is unknown: add it to scripts/check_includes.py, as third-party code or as a system header"
    if public:
        return f"<{header}> is third-party code in a public header"
    if dependency not in module.third:
        return f"<{header}> needs THIRD_PARTY {dependency} in wrench_module({module.name})"
    return None


def check_quoted(module, root, path, header):
    parts = header.split("/")
    if parts[0] == "wrench" and len(parts) > 2:
        if parts[1] == module.name or parts[1] in module.deps:
            return None
        return f'"{header}": module {module.name} doesn\'t declare {parts[1]} in DEPS'
    for base in (os.path.dirname(path), os.path.join(root, module.folder, "src")):
        resolved = os.path.realpath(os.path.join(base, header))
        if os.path.isfile(resolved):
            inside = os.path.realpath(os.path.join(root, module.folder)) + os.sep
            return None if resolved.startswith(inside) else f'"{header}" reaches outside of the module'
    return f'"{header}" isn\'t found: own headers are named by full path or relative to the module\'s src/'


def check_module(module, root):
    problems = []
    for dependency in sorted(module.third):
        allowed = ALLOWED.get(dependency, set())
        if allowed is not None and module.name not in allowed:
            problems.append(f"{module.folder}/CMakeLists.txt: module {module.name} may not use {dependency}: see ALLOWED in scripts/check_includes.py")
    public_root = os.path.join(root, module.folder, "include") + os.sep
    for folder, folders, files in os.walk(os.path.join(root, module.folder)):
        folders[:] = sorted(f for f in folders if f not in ("testdata", "node_modules"))
        for name in sorted(files):
            if not name.endswith((".cpp", ".hpp")):
                continue
            path = os.path.join(folder, name)
            public = path.startswith(public_root)
            with open(path, encoding="utf-8") as source:
                raw = False
                for number, line in enumerate(source, 1):
                    # Test inputs in raw strings hold the includes of other programs.
                    opens = 'R"' in line
                    if raw:
                        raw = not re.search(r'\)[^()\\\s]{0,16}"', line)
                        continue
                    found = INCLUDE.match(line)
                    if found:
                        problem = (check_angle(module, path, public, found[2]) if found[2] else check_quoted(module, root, path, found[3]))
                        if problem:
                            problems.append(f"{os.path.relpath(path, root)}:{number}: {problem}")
                    elif opens and not re.search(r'R"([^()\\\s]{0,16})\(.*\)\1"', line):
                        raw = True
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build_dir")
    parser.add_argument("--source-dir", default=os.path.join(os.path.dirname(__file__), ".."))
    args = parser.parse_args()
    root = os.path.abspath(args.source_dir)
    with open(os.path.join(args.build_dir, "modules.txt"), encoding="utf-8") as table:
        modules = [Module(line) for line in table if line.strip()]
    problems = [problem for module in modules for problem in check_module(module, root)]
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"check_includes: {len(problems)} problems")
    print(f"check_includes: {len(modules)} modules are clean")


if __name__ == "__main__":
    main()
