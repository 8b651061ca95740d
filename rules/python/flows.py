import json
import logging
import marshal
import os
import pathlib
import pickle
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from html import escape
from importlib import import_module
from typing import Optional
from urllib.parse import urlparse
from urllib.request import urlopen

import httpx
import jinja2
import ldap
import ldap3
import lxml.etree
import requests
import sqlalchemy
import yaml
from aiohttp import web
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from fastapi import FastAPI, Query
from fastapi.responses import FileResponse, HTMLResponse
from flask import (Flask, Markup, abort, jsonify, make_response, redirect, render_template, render_template_string,
                   request, send_file, send_from_directory, url_for)
from werkzeug.utils import secure_filename

app = Flask(__name__)
api = FastAPI()
logger = logging.getLogger(__name__)
KINDS = {"a": "alpha", "b": "beta"}
BACKEND = "https://backend.example"


# --- SQL

@app.route("/users")
def users_by_name():
    name = request.args.get("name")
    query = "SELECT * FROM users WHERE name = '%s'" % name
    # ruleid: python.request-to-sql
    db.execute(query)
    # ruleid: python.request-to-sql
    cursor.execute("SELECT * FROM users WHERE name = '" + name + "'")
    # ok: python.request-to-sql
    cursor.execute("SELECT * FROM users WHERE name = ?", (name,))
    # ok: python.request-to-sql
    cursor.execute("SELECT * FROM users LIMIT %d" % int(request.args["count"]))
    page = request.args.get("page", 1, type=int)
    # ok: python.request-to-sql
    cursor.execute(f"SELECT * FROM users LIMIT 10 OFFSET {page}")


@app.route("/users/<user>/<int:page>")
def numbered(user, page):
    # ok: python.request-to-sql
    cursor.execute(f"SELECT * FROM users OFFSET {page}")


@app.route("/users/<user>")
def one_user(user):
    # ruleid: python.request-to-sql
    cursor.execute(f"SELECT * FROM users WHERE name = '{user}'")


@app.route("/sorted")
def sorted_users():
    column = request.args["sort"]
    if column not in ("name", "age"):
        abort(400)
    # ok: python.request-to-sql
    cursor.execute("SELECT * FROM users ORDER BY " + column)
    kind = KINDS.get(request.args["kind"], "alpha")
    # ok: python.request-to-sql
    cursor.execute("SELECT * FROM " + kind)


def conditions(form):
    return " AND ".join(f"{key} = '{value}'" for key, value in form.items())


def search_view(request):
    # ruleid: python.request-to-sql
    Item.objects.raw("SELECT * FROM item WHERE " + conditions(request.GET))
    # ruleid: python.request-to-sql
    Item.objects.extra(where=["name = '%s'" % request.GET["name"]])
    # ok: python.request-to-sql
    Item.objects.raw("SELECT * FROM item WHERE name = %s", [request.GET["name"]])
    # ok: python.request-to-sql
    Item.objects.filter(name=request.GET["name"])


@api.get("/items")
async def items(name: str, limit: int, order: Optional[str] = None, session=Session()):
    # ruleid: python.request-to-sql
    await session.execute(sqlalchemy.text(f"SELECT * FROM items WHERE name = '{name}'"))
    # ok: python.request-to-sql
    await session.execute(sqlalchemy.text(f"SELECT * FROM items LIMIT {limit}"))
    # ok: python.request-to-sql
    await session.execute(sqlalchemy.select(Item).where(Item.name == name))
    # ok: python.request-to-sql
    await session.execute(sqlalchemy.text("SELECT * FROM items WHERE name = :name"), {"name": name})
    # ok: python.request-to-sql
    await session.execute(sqlalchemy.insert(Item).values(name=name))


class ItemView:
    def get(self):
        task = self.request.GET["task"]
        # ok: python.request-to-sql
        self.workflow.execute(task)
        # ruleid: python.request-to-sql
        self.store.connection.execute("DELETE FROM items WHERE task = '{}'".format(task))


# --- commands

@app.route("/ping")
def ping():
    host = request.args["host"]
    # ruleid: python.request-to-command
    os.system("ping -c 1 " + host)
    # ruleid: python.request-to-command
    subprocess.run(f"ping -c 1 {host}", shell=True)
    # ruleid: python.request-to-command
    subprocess.check_output(["sh", "-c", "ping " + host])
    command = "ping " + host
    # ruleid: python.request-to-command
    subprocess.run(shlex.split(command))
    # ruleid: python.request-to-command
    subprocess.run([request.args["tool"], "-v"])
    # ok: python.request-to-command
    subprocess.run(["ping", "-c", "1", host])
    # ok: python.request-to-command
    os.system("ping -c 1 " + shlex.quote(host))
    if not re.fullmatch(r"[a-z0-9.]+", host):
        abort(400)
    # ok: python.request-to-command
    os.system("ping -c 1 " + host)


async def convert(request):
    data = await request.post()
    # ruleid: python.request-to-command
    os.popen("convert " + data["name"])
    # ok: python.request-to-command
    os.popen("convert page%d" % int(data["page"]))


def main():
    target = sys.argv[1]
    # ruleid: python.argument-to-shell
    os.system("rsync -a build/ " + target)
    # ok: python.argument-to-shell
    subprocess.run(["rsync", "-a", "build/", target])
    # ok: python.argument-to-shell
    os.system("rsync -a build/ " + shlex.quote(target))
    # ok: python.argument-to-shell
    os.system(os.environ.get("EDITOR", "vi") + " notes.txt")
    # ruleid: python.argument-to-shell
    subprocess.call("deploy " + os.environ["STAGE"], shell=True)
    # ok: python.argument-to-shell
    os.system("sleep %d" % int(sys.argv[2]))


# --- files

@app.route("/download")
def download():
    name = request.args["name"]
    path = os.path.join("/srv/files", name)
    # ruleid: python.request-to-path
    with open(path) as f:
        text = f.read()
    # ruleid: python.request-to-path
    data = (pathlib.Path("/srv") / name).read_bytes()
    # ruleid: python.request-to-path
    shutil.rmtree("/srv/files/" + name)
    # ok: python.request-to-path
    open(os.path.join("/srv/files", secure_filename(name)))
    # ok: python.request-to-path
    send_from_directory("/srv/files", name)
    # ok: python.request-to-path
    open("/srv/files/" + os.path.basename(name))
    full = os.path.realpath(path)
    if not full.startswith("/srv/files/"):
        abort(404)
    # ok: python.request-to-path
    with open(full) as f:
        text = f.read()
    # ruleid: python.request-to-path
    return send_file(path)


@app.route("/files/<path:name>")
def by_path(name):
    # ruleid: python.request-to-path
    return send_file("/srv/files/" + name)


@app.route("/pages/<name>")
def by_name(name):
    # ok: python.request-to-path
    return send_file("/srv/pages/" + name + ".html")


@app.route("/upload", methods=["POST"])
def upload():
    file = request.files["file"]
    # ruleid: python.request-to-path
    file.save(os.path.join("/srv/uploads", file.filename))
    # ok: python.request-to-path
    file.save(os.path.join("/srv/uploads", secure_filename(file.filename)))
    # ok: python.request-to-path
    file.save("/srv/uploads/" + uuid.uuid4().hex)


@api.get("/reports/{year}")
def report(year: int, name: str = Query("all")):
    # ok: python.request-to-path
    open(f"/srv/reports/{year}.txt")
    # ruleid: python.request-to-path
    return FileResponse("/srv/reports/" + name)


# --- pages

@app.route("/hello")
def hello():
    name = request.args.get("name", "")
    if name == "json":
        # ok: python.request-to-page
        return jsonify({"name": name})
    if name == "page":
        # ok: python.request-to-page
        return render_template("hello.html", name=name)
    if name == "escaped":
        # ok: python.request-to-page
        return f"<b>Hello {escape(request.args['name'])}</b>"
    if name == "found":
        # ok: python.request-to-page
        return lookup("user:" + name)
    if name == "text":
        # ruleid: python.request-to-page
        return "Hello " + request.args["name"], 200
    # ruleid: python.request-to-page
    return f"<b>Hello {request.args['name']}</b>"


@app.route("/bye/<name>")
def bye(name):
    # ruleid: python.request-to-page
    page = Markup("<b>" + name + "</b>")
    # ok: python.request-to-page
    page = Markup("<b>%s</b>") % name
    # ruleid: python.request-to-page
    return make_response("<b>Bye " + name + "</b>")


def greet(request):
    name = request.GET.get("name")
    # ruleid: python.request-to-page
    note = mark_safe("<i>" + name + "</i>")
    # ok: python.request-to-page
    note = format_html("<i>{}</i>", name)
    if name:
        # ok: python.request-to-page
        return HttpResponse(lookup(name))
    # ruleid: python.request-to-page
    return HttpResponse("<b>Hello %s</b>" % name)


@api.get("/page")
def page(title: str):
    # ruleid: python.request-to-page
    return HTMLResponse("<h1>" + title + "</h1>")


@app.route("/render")
def render():
    name = request.args["name"]
    # ruleid: python.request-to-template
    jinja2.Template("Hello " + name)
    # ok: python.request-to-template
    render_template_string("Hello {{ name }}", name=name)
    # ruleid: python.request-to-template
    return render_template_string("Hello " + name)


@app.errorhandler(404)
def not_found(error):
    # ruleid: python.request-to-template
    return render_template_string("<p>No %s here</p>" % request.path), 404


# --- addresses

@app.route("/login")
def login():
    target = request.args.get("next")
    if target == "home":
        # ok: python.request-to-redirect
        return redirect(url_for("home", name=request.args["name"]))
    if target == "user":
        # ok: python.request-to-redirect
        return redirect("/users/" + request.args["name"])
    # ruleid: python.request-to-redirect
    return redirect(target)


def logout(request):
    target = request.GET.get("next", "/")
    if request.user:
        # ruleid: python.request-to-redirect
        return HttpResponseRedirect(target)
    if url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        # ok: python.request-to-redirect
        return HttpResponseRedirect(target)
    return HttpResponseRedirect("/")


@app.route("/proxy")
def proxy():
    url = request.args["url"]
    # ruleid: python.request-to-url
    requests.get(url)
    # ruleid: python.request-to-url
    urlopen("http://" + url)
    # ok: python.request-to-url
    requests.get("https://api.example/items/" + url)
    # ok: python.request-to-url
    requests.get(f"{BACKEND}/items/{url}")
    # ok: python.request-to-url
    requests.get("https://api.example/", params={"q": url})
    if urlparse(url).hostname not in HOSTS:
        abort(400)
    # ok: python.request-to-url
    requests.get(url)


async def relay(request):
    async with httpx.AsyncClient() as client:
        # ruleid: python.request-to-url
        await client.get(request.query_params["url"])
        # ok: python.request-to-url
        await client.get("https://api.example/", params={"q": request.query_params["q"]})


# --- code and objects

@app.route("/load", methods=["POST"])
def load():
    # ruleid: python.request-to-objects
    state = pickle.loads(request.data)
    # ruleid: python.request-to-objects
    state = yaml.load(request.get_data())
    # ok: python.request-to-objects
    state = yaml.load(request.data, Loader=yaml.SafeLoader)
    # ok: python.request-to-objects
    state = json.loads(request.data)
    # ok: python.request-to-objects
    state = pickle.loads(signer.unsign(request.cookies["state"]))
    # ruleid: python.request-to-objects
    return marshal.loads(request.cookies["state"])


@app.route("/calculate")
def calculate():
    formula = request.args["formula"]
    # ruleid: python.request-to-code
    result = eval(formula)
    # ok: python.request-to-code
    result = eval("1 + %d" % int(request.args["n"]))
    # ruleid: python.request-to-code
    module = import_module("plugins." + request.args["plugin"])
    # ok: python.request-to-code
    module = import_module(PLUGINS[request.args["plugin"]])
    return str(result)


@app.route("/people")
def people():
    name = request.args["name"]
    # ruleid: python.request-to-ldap
    directory.search_s("ou=people", ldap.SCOPE_SUBTREE, "(uid=" + name + ")")
    # ok: python.request-to-ldap
    directory.search_s("ou=people", ldap.SCOPE_SUBTREE, "(uid=" + ldap.filter.escape_filter_chars(name) + ")")
    # ruleid: python.request-to-ldap
    directory.search("ou=people", f"(uid={name})")
    # ruleid: python.request-to-xpath
    tree.xpath("//user[@name='%s']" % name)
    # ok: python.request-to-xpath
    tree.xpath("//user[@name=$name]", name=name)
    # ruleid: python.request-to-log
    logger.info("search for " + name)
    # ok: python.request-to-log
    logger.info("search for %r" % name)
    # ok: python.request-to-log
    logger.info(f"search for {name!r}")
    # ok: python.request-to-log
    logger.info("search for %s", name)
    # ok: python.request-to-log
    logger.info("search for " + name.replace("\n", " "))
    # ruleid: python.request-to-regex
    re.search(name, text)
    # ok: python.request-to-regex
    re.search(re.escape(name), text)
    # ok: python.request-to-regex
    re.search(r"^\w+$", name)
