import os
import flask
import jwt
from flask_cors import CORS
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = flask.Flask(__name__)
# ok: python.hardcoded-secret-key
SECRET_KEY = "aws_secret_access_key"
# ruleid: python.hardcoded-secret-key
app.secret_key = "b2c7f9e14a"
# ok: python.hardcoded-secret-key
app.secret_key = os.environ["SECRET_KEY"]
# ok: python.hardcoded-secret-key
app.config["SECRET_KEY"] = "change-me-please"
# ruleid: python.hardcoded-secret-key
app.config["SECRET_KEY"] = "9f8a7c6b5d4e"

api = FastAPI()
# ruleid: python.cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
# ok: python.cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["*"])
# ok: python.cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["https://example.com"], allow_credentials=True)


def posts(Post, name):
    # ruleid: python.django-sql-from-values
    Post.objects.raw(f"SELECT * FROM post WHERE author = '{name}'")
    # ruleid: python.django-sql-from-values
    Post.objects.raw("SELECT * FROM post WHERE author = '%s'" % name)
    # ok: python.django-sql-from-values
    Post.objects.raw("SELECT * FROM post WHERE author = %s", [name])


def remove(user, post):
    # ruleid: python.assert-guards-access
    assert user.is_admin
    # ruleid: python.assert-guards-access
    assert user.has_perm("post.delete"), "not allowed"
    # ok: python.assert-guards-access
    assert post is not None
    post.delete()


if __name__ == "__main__":
    # ruleid: python.flask-debug-on
    app.run(host="127.0.0.1", debug=True)
    # ok: python.flask-debug-on
    app.run(debug=os.environ.get("DEBUG") == "1")
