import logging
import os
import shlex
import subprocess
import flask
import requests
from flask import request, render_template_string
from django.utils.safestring import mark_safe

TABLE = "users"


def find_user(cursor, name, table):
    # ruleid: python.sql-injection
    cursor.execute(f"SELECT * FROM users WHERE name = '{name}'")
    # ruleid: python.sql-injection
    cursor.execute("SELECT * FROM users WHERE name = '%s'" % name)
    # ruleid: python.sql-injection
    cursor.execute("DELETE FROM users WHERE name = '{}'".format(name))
    # ruleid: python.sql-injection
    cursor.execute("SELECT * FROM users WHERE name = '" + name + "'")
    query = f"UPDATE users SET name = '{name}'"
    # ruleid: python.sql-injection
    cursor.execute(query)
    # ok: python.sql-injection
    cursor.execute("SELECT * FROM users WHERE name = %s", (name,))
    # ok: python.sql-injection
    cursor.execute(f"SELECT * FROM {TABLE} WHERE name = ?", (name,))
    # ok: python.sql-injection
    cursor.execute("SELECT * FROM users " + "WHERE id = 1")
    marks = ",".join("?" for _ in name)
    # ok: python.sql-injection
    cursor.execute("SELECT COUNT(*) FROM " + table)
    # ok: python.sql-injection
    parser.execute("select one of %s" % marks)


def archive(path):
    # ruleid: python.command-injection
    subprocess.run("tar czf out.tgz " + path, shell=True)
    # ruleid: python.command-injection
    os.system(f"rm -rf {path}")
    # ruleid: python.command-injection
    os.popen("ls %s" % path)
    # ruleid: python.command-injection
    subprocess.check_output("ls {}".format(path), shell=True)
    # ok: python.command-injection
    subprocess.run(["tar", "czf", "out.tgz", path])
    # ok: python.command-injection
    subprocess.run("ls -l | wc -l", shell=True)
    # ok: python.command-injection
    os.system("ls " + shlex.quote(path))
    # ok: python.command-injection
    os.system("clear")


def calculate():
    # ruleid: python.code-injection
    eval(requests.get(address).text)
    # ruleid: python.code-injection
    exec(input("code: "))
    # ok: python.code-injection
    eval("1 + 1")
    namespace = {}
    # ok: python.code-injection
    exec(compile(SOURCE, "x.py", "exec"), namespace)


def greet(name):
    # ruleid: python.template-injection
    render_template_string("<p>Hello " + name + "</p>")
    # ruleid: python.template-injection
    render_template_string(f"<p>Hello {name}</p>")
    # ok: python.template-injection
    render_template_string("<p>Hello {{ name }}</p>", name=name)
    # ruleid: python.xss-mark-safe
    mark_safe(f"<b>{name}</b>")
    # ruleid: python.xss-mark-safe
    mark_safe("<b>%s</b>" % name)
    # ok: python.xss-mark-safe
    mark_safe("<b>Welcome</b>")


def login(user, password):
    # ruleid: python.log-password
    logging.info("login of %s with %s", user, password)
    # ruleid: python.log-password
    logging.debug(f"trying {password}")
    # ok: python.log-password
    logging.info("the password of %s was changed", user)
    # ok: python.log-password
    logging.info("password has %d characters", len(password))
