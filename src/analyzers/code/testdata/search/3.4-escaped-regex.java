class A {
  void f() {
    // ruleid: redos
    compile("^(\\w+\\s?)*$");
    // ok: redos
    compile("^(\\w+;)*$");
    // ok: redos
    compile("^(\\\\w+\\\\s?)*$");
  }
}
