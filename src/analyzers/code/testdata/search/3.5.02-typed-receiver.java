import static net.Tools.imported;
import net.Marked;

class A {
  // ok: typed-receiver
  @Marked(A.class)
  void f(Client client, Other other) {
    // ruleid: typed-receiver
    client.send(1);
    // ok: typed-receiver
    other.send(1);
    // ok: typed-receiver
    // ruleid: any-receiver
    imported(1);
  }
}
