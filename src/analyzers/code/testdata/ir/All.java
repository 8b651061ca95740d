package com.acme.app;
import java.util.List;
import java.util.*;
import static org.junit.Assert.assertEquals;
@RestController("/x")
public abstract class All<T extends Base> extends Parent implements Runnable, Closeable {
  private static final int MAX = 10, MIN = -1;
  int[] data[];
  public All(@NotNull String name, int... rest) throws IOException { super(name); this.data = new int[MAX][]; }
  @Override public <U> List<Map<String, U>> run(final T t) {
    for (int i = 0, j = 1; i < MAX; i++, j--) { if (i == 2) continue; else if (i > 3) break; else { return null; } }
    for (final String s : names) System.out.println(s + "x" + 'c');
    outer: while (true) { do { break outer; } while (x instanceof Foo f && f.ok()); }
    switch (x) { case 1: case 2: go(); break; default: stop(); }
    int k = switch (y) { case A, B -> 1; default -> { yield 2; } };
    try (Reader r = open(); other) { risky(); } catch (A | B e) { throw new E("m", e); } finally { done(); }
    synchronized (this) { x += ~k >>> 2; }
    Runnable f = () -> run(null), g = this::run;
    Object o = (String) list.get(0)[1].field, p = new Thing<>(1) { void m() {} }, q = new int[]{1, 2};
    assert x > 0 : "bad"; var z = a ? b : c; Class<?> cl = String.class;
    return List.of("""
      block""");
  }
  enum Color { RED, GREEN(1) { int v() { return 1; } }; int v() { return 0; } }
  interface Shape { double area(); }
  record Point(int x, int y) { Point { check(); } }
  static { init(); }
}
