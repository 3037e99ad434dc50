def check(f):
    pass
