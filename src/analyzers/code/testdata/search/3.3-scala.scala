import scala.util.Random
class A {
  // ruleid: sc-definition
  def run(id: Int, name: String) = {
    // ruleid: sc-call
    Seq("sh", "-c", name).!
    // ok: sc-call
    Seq("ls", "-l", name).!
    // ruleid: sc-import
    Random.nextInt(3)
    // ok: sc-import
    other.nextInt(3)
    // ruleid: sc-new
    val in = new ObjectInputStream(stream)
    // ok: sc-new
    val out = new ObjectOutputStream(stream)
    // ruleid: sc-match
    id match { case 1 => go() }
  }
  // ok: sc-definition
  def stop(id: Int) = { 1 }
}
