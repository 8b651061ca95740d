class A {
  void f(String s, Other o) {
    // ruleid: typed
    s.trim();
    // ok: typed
    o.trim();
    java.lang.String q = s;
    // ruleid: typed
    q.trim();
    // ruleid: typed
    "x".trim();
  }
}
