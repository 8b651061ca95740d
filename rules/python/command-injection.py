import os
from os import system as run


def f(name):
    # ruleid: python.os-system-with-variable
    os.system("rm " + name)
    # ruleid: python.os-system-with-variable
    run(f"ls {name}")
    # ok: python.os-system-with-variable
    os.system("ls -l")
    command = "uptime"
    # ok: python.os-system-with-variable
    os.system(command)
