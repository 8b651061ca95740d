import java.util.*;
class A {
  void f() {
    // ruleid: java-wildcard
    Random.make(1);
    // ok: java-wildcard
    Other.make(1);
  }
}
