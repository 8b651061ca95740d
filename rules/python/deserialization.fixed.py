import base64
import pickle
import tarfile
import requests
import yaml
from lxml import etree
from flask import request


def receive(sock, blob):
    # ruleid: python.unsafe-pickle
    pickle.loads(sock.recv(4096))
    # ruleid: python.unsafe-pickle
    pickle.loads(base64.b64decode(blob))
    # ok: python.unsafe-pickle
    pickle.loads(pickle.dumps(blob))
    # ok: python.unsafe-pickle
    pickle.loads(blob)


def configuration(stream):
    # ruleid: python.unsafe-yaml-load
    yaml.load(stream)
    # ruleid: python.unsafe-yaml-load
    yaml.load(stream, Loader=yaml.SafeLoader)
    # ruleid: python.unsafe-yaml-load
    yaml.unsafe_load(stream)
    # ok: python.unsafe-yaml-load
    yaml.safe_load(stream)
    # ok: python.unsafe-yaml-load
    yaml.load(stream, Loader=yaml.SafeLoader)
    # ok: python.unsafe-yaml-load
    yaml.load(stream, yaml.CSafeLoader)


def round_trip(stream):
    yaml = YAML()
    # ok: python.unsafe-yaml-load
    return yaml.load(stream)


def document():
    # ruleid: python.xml-external-entities
    etree.XMLParser(resolve_entities=True)
    # ok: python.xml-external-entities
    etree.XMLParser(resolve_entities=False)


def unpack(path, target):
    with tarfile.open(path) as tar:
        # ruleid: python.tar-extract-unfiltered
        tar.extractall(target)
    with tarfile.open(path) as safe:
        # ok: python.tar-extract-unfiltered
        safe.extractall(target, filter="data")
    # ruleid: python.tar-extract-unfiltered
    tarfile.open(path).extractall(target)
    # ruleid: python.tar-extract-unfiltered
    tarfile.open(path).extractall(target, filter="fully_trusted")
    # ok: python.tar-extract-unfiltered
    tarfile.open(path).extractall(target, filter=strict)
