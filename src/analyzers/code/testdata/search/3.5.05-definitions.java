// ruleid: class-header
public final class A extends Base implements Other {
  // ruleid: omitted-parts
  public static void f(final String x) throws Exception {}
  // ok: omitted-parts
  int g(String x) { return 1; }
}
// ok: class-header
class B extends Other {}
