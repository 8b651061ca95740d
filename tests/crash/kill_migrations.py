#!/usr/bin/env python3
"""Kills what makes the tables of a new store (`wrench store migrate`, on PostgreSQL `wrench worker --once`) with SIGKILL, again and
again on the same store, and lets it end: the schema must be that of an undisturbed store, and each migration applied once.

    tests/crash/kill_migrations.py --wrench build/dev/wrench --server build/dev/tests/cli/wrench_test_postgres --kills 100
"""
import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

TIMEOUT_S = 120
KILLS_OF_ONE = 3


class Failure(Exception):
    pass


class Place:
    def __init__(self, wrench, env, words):
        self.wrench, self.words = wrench, words  # Those that make the tables.
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", **env}

    def must(self, *words):
        done = subprocess.run([self.wrench, *words], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT_S, check=False)
        if done.returncode != 0:
            raise Failure(f"{words}: exit code {done.returncode}: {(done.stdout + done.stderr).decode()}")

    def killed_after(self, seconds):
        process = subprocess.Popen([self.wrench, *self.words], env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        err = process.communicate()[1]
        if process.returncode not in (0, -9):
            raise Failure(f"{self.words}: exit code {process.returncode}: {err.decode()}")
        return process.returncode == -9


def sqlite_place(wrench, scratch, number):
    data = os.path.join(scratch, f"data{number}")
    place = Place(wrench, {"HOME": scratch, "WRENCH_DATA_DIR": data}, ["store", "migrate"])

    def schema():
        with sqlite3.connect(f"file:{data}/store.db?mode=ro", uri=True) as store:
            return (store.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall(),
                    store.execute("SELECT version, checksum FROM schema_migrations ORDER BY version").fetchall())
    return place, schema


def postgres_place(wrench, scratch, url, number):
    subprocess.run(["psql", "-X", "-q", "-d", url, "-c", f"CREATE SCHEMA killed{number}"], check=True, timeout=TIMEOUT_S)
    own = url.split("?")[0] + f"?options=-csearch_path%3Dkilled{number}"
    place = Place(wrench, {"HOME": scratch, "WRENCH_DATABASE_URL": own}, ["worker", "--once"])

    def ask(sql):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-d", own, "-c", sql], check=True, timeout=TIMEOUT_S,
                              capture_output=True).stdout

    def schema():
        return (ask("SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE "
                    f"table_schema = 'killed{number}' ORDER BY 1, 2").replace(b"killed%d" % number, b""),
                ask(f"SELECT replace(indexdef, 'killed{number}', '') FROM pg_indexes WHERE schemaname = 'killed{number}' ORDER BY 1"),
                ask("SELECT version, checksum FROM schema_migrations ORDER BY version"))
    return place, schema


def go(kind, make, kills, dice):
    place, schema = make(0)
    began = time.monotonic()
    place.must(*place.words)
    life, expected = time.monotonic() - began, schema()
    done = stores = 0
    while done < kills:
        stores += 1
        place, schema = make(stores)
        for _ in range(dice.randint(1, KILLS_OF_ONE)):
            if not place.killed_after(dice.uniform(0, life)):
                break
            done += 1
        place.must(*place.words)
        if schema() != expected:
            raise Failure(f"{kind}: another schema after a kill")
        if kind == "SQLite":
            place.must("store", "check")
    print(f"{kind}: {done} kills of migrations of {stores} stores: all have the same schema, each migration once")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", required=True, type=os.path.abspath)
    parser.add_argument("--server", required=True, help="the program that starts a PostgreSQL (tests/cli/postgres.cpp)")
    parser.add_argument("--kills", type=int, default=10, help="for each kind of store")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    server = subprocess.Popen([args.server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory(prefix="wrench-kill-migrations-") as scratch:
            go("SQLite", lambda number: sqlite_place(args.wrench, scratch, number), args.kills, dice)
            go("PostgreSQL", lambda number: postgres_place(args.wrench, scratch, url, number), args.kills, dice)
    finally:
        server.stdin.close()
        server.wait(TIMEOUT_S)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"kill_migrations: {failure}")
