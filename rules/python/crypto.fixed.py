import hashlib
import hmac
import os
import random
import secrets
import ssl
import tempfile
import urllib.request
import jwt
import paramiko
import requests
from Crypto.Cipher import AES, DES


def store(user, password, body):
    # ruleid: python.weak-password-hash
    user.digest = hashlib.md5(password.encode()).hexdigest()
    # ruleid: python.weak-password-hash
    user.digest = hashlib.sha256(salt + password).hexdigest()
    # ok: python.weak-password-hash
    etag = hashlib.sha256(body).hexdigest()
    # ok: python.weak-password-hash
    user.digest = hashlib.scrypt(password, salt=salt, n=16384, r=8, p=1)


def encrypt(key, data):
    # ruleid: python.weak-cipher
    DES.new(key, DES.MODE_CBC)
    # ruleid: python.weak-cipher
    AES.new(key, AES.MODE_ECB)
    # ok: python.weak-cipher
    AES.new(key, AES.MODE_GCM)


def reset(letters):
    # ruleid: python.predictable-token
    token = "".join(random.choice(letters) for _ in range(32))
    # ruleid: python.predictable-token
    session_id = random.getrandbits(128)
    # ok: python.predictable-token
    delay = random.random() * 2
    # ok: python.predictable-token
    api_key = secrets.token_urlsafe(32)
    # ok: python.predictable-token
    password = "".join(random.SystemRandom().choice(letters) for _ in range(12))


def fetch(url):
    # ruleid: python.tls-verification-off
    requests.get(url)
    # ruleid: python.tls-verification-off
    ssl._create_default_https_context = ssl._create_unverified_context
    session = requests.Session()
    # ruleid: python.tls-verification-off
    session.verify = False
    # ok: python.tls-verification-off
    requests.get(url, verify="/etc/ssl/private-ca.pem")
    # ok: python.tls-verification-off
    requests.get(url)


def connect(client):
    # ruleid: python.ssh-host-key-unchecked
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    # ok: python.ssh-host-key-unchecked
    client.set_missing_host_key_policy(paramiko.RejectPolicy())


def claims(token, key):
    # ruleid: python.jwt-not-verified
    jwt.decode(token, options={"verify_signature": False})
    # ok: python.jwt-not-verified
    jwt.decode(token, key, algorithms=["HS256"])


def check(key, body, signature):
    expected = hmac.new(key, body, "sha256").hexdigest()
    # ruleid: python.timing-unsafe-comparison
    if expected == signature:
        return True
    # ruleid: python.timing-unsafe-comparison
    if hmac.new(key, body, "sha256").hexdigest() != signature:
        return False
    # ok: python.timing-unsafe-comparison
    return hmac.compare_digest(expected, signature)


def scratch(path):
    # ruleid: python.insecure-temp-file
    name = tempfile.mktemp()
    # ok: python.insecure-temp-file
    handle, name = tempfile.mkstemp()
    # ok: python.insecure-temp-file
    address = tempfile.mktemp(prefix="listener-")
    # ok: python.insecure-temp-file
    address = tempfile.mktemp(prefix=r"\\.\pipe\app-%d-" % os.getpid())
    # ruleid: python.world-writable-file
    os.chmod(path, 0o777)
    # ruleid: python.world-writable-file
    os.chmod(path, 0o666)
    # ok: python.world-writable-file
    os.chmod(path, 0o755)
    # ok: python.world-writable-file
    os.chmod(path, 0o640)
