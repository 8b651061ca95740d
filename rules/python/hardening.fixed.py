import crypt
import ftplib
import hashlib
import json
import os
import pickle
import ssl
import subprocess
import tempfile

import jinja2
import torch
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from datasets import load_dataset
from django.db.models.expressions import RawSQL
from huggingface_hub import hf_hub_download
from OpenSSL import SSL
from transformers import AutoModel


def hashes(data, salt):
    # ruleid: python.broken-hash
    digest = hashlib.md5(data).hexdigest()
    # ruleid: python.broken-hash
    digest = hashlib.new("sha1", data)
    # ok: python.broken-hash
    etag = hashlib.md5(data, usedforsecurity=False)
    # ok: python.broken-hash
    digest = hashlib.sha256(data)
    # ruleid: python.weak-crypt-method
    crypt.crypt(data, salt=crypt.METHOD_MD5)
    # ok: python.weak-crypt-method
    crypt.crypt(data, salt=crypt.METHOD_SHA512)


def keys(bits):
    # ruleid: python.short-key
    rsa.generate_private_key(public_exponent=65537, key_size=1024)
    # ruleid: python.short-key
    RSA.generate(512)
    # ruleid: python.short-key
    ec.generate_private_key(ec.SECP192R1())
    # ok: python.short-key
    ec.generate_private_key(ec.SECP256R1())
    # ok: python.short-key
    rsa.generate_private_key(65537, 3072)
    # ok: python.short-key
    RSA.generate(bits)


def tls(version):
    # ruleid: python.old-tls-version
    ssl.SSLContext(ssl.PROTOCOL_TLSv1)
    # ruleid: python.old-tls-version
    SSL.Context(SSL.SSLv3_METHOD)
    # ok: python.old-tls-version
    if version == ssl.PROTOCOL_TLSv1:
        raise ValueError(version)
    if hasattr(ssl, "PROTOCOL_SSLv3"):
        # ok: python.old-tls-version
        names[ssl.PROTOCOL_SSLv3] = "SSL 3"
    # ok: python.old-tls-version
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # ruleid: python.unverified-tls-context
    context = ssl._create_unverified_context()
    # ok: python.unverified-tls-context
    context = ssl.create_default_context()


def programs(path, folder):
    # ruleid: python.shell-started
    subprocess.run("ls *.txt | wc -l", shell=True)
    # ruleid: python.shell-started
    subprocess.run("make all", shell="False")
    # ok: python.shell-started
    subprocess.run(["make", "all"], shell=False)
    # ruleid: python.shell-started
    os.system("make all")
    # ok: python.shell-started
    subprocess.run(["make", "all"])
    # ok: python.shell-started
    os.system("clear")
    # ruleid: python.program-from-value
    os.execvp(path, [path])
    # ok: python.program-from-value
    os.execv(sys.executable, [sys.executable, "-m", "shop"])
    # ok: python.program-from-value
    os.execv("/usr/bin/env", ["env"])


class State:
    def load(self, file):
        # ruleid: python.unpickling
        self.data = pickle.load(file)
        # ok: python.unpickling
        copy = pickle.loads(pickle.dumps(self.data))
        # ok: python.unpickling
        self.data = json.load(file)

    def __setstate__(self, state):
        # ok: python.unpickling
        self.data = pickle.loads(state["data"])


def models(path, commit):
    # ruleid: python.model-file-may-run-code
    torch.load(path)
    # ok: python.model-file-may-run-code
    torch.load(path, weights_only=True)
    # ruleid: python.model-file-runs-code
    torch.load(path, weights_only=True)
    # ok: python.model-file-runs-code
    torch.load(path, map_location="cpu", weights_only=True)
    # ruleid: python.model-code-trusted
    AutoModel.from_pretrained(path, trust_remote_code=True)
    # ok: python.model-code-trusted
    AutoModel.from_pretrained(path, trust_remote_code=True, revision="5f0d1c2b3a495867")
    # ruleid: python.model-not-pinned
    AutoModel.from_pretrained("shop/reviews")
    # ruleid: python.model-not-pinned
    hf_hub_download(repo_id="shop/reviews", filename="config.json")
    # ruleid: python.model-not-pinned
    load_dataset("shop/reviews", revision="main")
    # ok: python.model-not-pinned
    AutoModel.from_pretrained("shop/reviews", revision="5f0d1c2b3a495867")
    # ok: python.model-not-pinned
    AutoModel.from_pretrained("./models/reviews")
    # ok: python.model-not-pinned
    load_dataset("json", data_files=path)


def statements(name, column):
    # ruleid: python.sql-text-from-values
    query = "SELECT id FROM users WHERE name = '%s'" % name
    # ruleid: python.sql-text-from-values
    query = "DELETE FROM users WHERE name = '" + name + "'"
    # ruleid: python.sql-text-from-values
    query = f"SELECT id FROM users WHERE name = '{name}'"
    # ok: python.sql-text-from-values
    query = "SELECT %s FROM users WHERE name = ?" % column
    # ok: python.sql-text-from-values
    text = "Select one from these: '%s'" % name


def orm(users, condition):
    # ruleid: python.raw-orm-sql
    users.extra(where=[condition])
    # ruleid: python.raw-orm-sql
    users.annotate(score=RawSQL(condition, []))
    # ok: python.raw-orm-sql
    users.extra(where=["age > 18"])
    # ok: python.raw-orm-sql
    users.annotate(score=RawSQL("a + %s", [condition]))


# ruleid: python.password-in-code
DB_PASSWORD = "hunter22"
# ok: python.password-in-code
DB_PASSWORD = os.environ["DB_PASSWORD"]
# ok: python.password-in-code
FIELD_PASSWORD = "password"
# ok: python.password-in-code
ASK_PASSWORD = "Please type it"


# ruleid: python.password-in-code
def connect(user, password="sesame1"):
    # ruleid: python.password-in-code
    login(user, password="sesame1")
    # ok: python.password-in-code
    login(user, password="")
    # ok: python.password-in-code
    login(user, password=password)


def files(text):
    # ruleid: python.fixed-temporary-path
    with open("/tmp/report.txt", "w") as file:
        file.write(text)
    # ok: python.fixed-temporary-path
    with open("/tmp/report.txt") as file:
        file.read()
    # ok: python.fixed-temporary-path
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)


def old(host):
    # ruleid: python.cleartext-protocol
    ftplib.FTP(host)
    # ok: python.cleartext-protocol
    ftplib.FTP_TLS(host)
    # ruleid: python.template-without-escaping
    jinja2.Environment(autoescape=False)
    # ok: python.template-without-escaping
    jinja2.Environment(autoescape=True)
