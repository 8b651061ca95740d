class A {
  // ruleid: annotation-alone
  @Accept({"all"})
  void f(Object o) {
    // ruleid: through-cast
    take((Thing) make(o));
    // ok: through-cast
    take((Thing) o);
    // ruleid: initialised
    Reply r = (Reply) o;
    use(r);
    r.send();
  }

  // ok: annotation-alone
  @Accept({"none"})
  void g(Reply q) {
    // ok: initialised
    q.send();
  }
}
