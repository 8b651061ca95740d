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

  double share(int part, int whole, Object o) {
    // ruleid: typed-factor
    double cut = part / whole;
    // ok: typed-factor
    double right = (double) part / whole;
    // ruleid: typed-factor
    double again = (int) o / whole;
    return cut + right + again;
  }

  // ok: annotation-alone
  @Accept({"none"})
  void g(Reply q) {
    // ok: initialised
    q.send();
  }
}
