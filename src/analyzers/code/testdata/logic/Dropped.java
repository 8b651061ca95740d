class Dropped {
  private String name;

  Dropped(String name) {
    // ruleid: logic.self-assignment
    name = name;
    // ok: a member
    this.name = name;
  }

  void check(String text) {
    if (text.isEmpty()) {
      // ruleid: logic.exception-not-thrown
      new IllegalArgumentException("empty");
      // ruleid: logic.exception-not-thrown
      new AssertionError("empty");
      // ok: shown to people, by making it
      new AdministrativeError("empty");
    }
    // ruleid: logic.result-dropped
    text.trim();
    StrBuilder builder = new StrBuilder(text);
    // ok: no text, it changes itself
    builder.replaceAll('a', 'b');
    // ok: thrown
    throw new IllegalStateException(text.trim());
  }

  @Test
  void reads() {
    Dropped dropped = new Dropped("a");
    dropped.check("b");
    assertEquals("a", dropped.name);
  }

  @Test
  // ruleid: logic.same-test
  void readsEmpty() {
    Dropped dropped = new Dropped("a");
    dropped.check("b");
    assertEquals("a", dropped.name);
  }

  // ok: another expectation
  @Test(expected = Exception.class)
  void readsNull() {
    Dropped dropped = new Dropped("a");
    dropped.check("b");
    assertEquals("a", dropped.name);
  }
}
