package app.store
import scala.collection.mutable.{Map => MMap, _}
import java.io._
import java.util.Date

@deprecated("x", since = "1")
abstract class User[T <: Any](val name: String, private var age: Int = 1)(implicit ctx: Ctx) extends Base(name) with Shape {
  private lazy val full: String = name
  var count, total: Int = 0
  def area: Double
  override protected def run[U](a: Int, rest: String*)(f: Int => Unit = null): List[U] = {
    return Nil
  }
  def this(id: Int) = this("x", id)
  def short(x: Int) = x * 2
  type Names = Map[String, List[Int]]
}
case class Point(x: Int, y: Int)
sealed trait Area extends Base { def area(): Double }
object Single extends App { val a = 1 }
object Main {
  def main(args: Array[String]): Unit = {
    val a: Int = 1
    var b = s"text $a and ${a + 1}"
    val (c, d) = pair
    val Some(e) = opt
    if (a > 1 && !flag) { f() } else if (a == 2) g() else { h() }
    a match {
      case 0 | 1 => zero()
      case n if n > 5 => mid()
      case s: String => text(s)
      case Point(x, _) => x
      case _ => other()
    }
    for (item <- list) println(item)
    for { k <- keys; v <- values if v > 1; w = k } yield k + v
    while (a < 3) { b += "x" }
    do { f() } while (true)
    try { risky() } catch { case e: IOException => log(e); case _ => } finally { done() }
    val n = obj.prop.call(1, name = a) { it => it + 1 }
    list.map(x => x + 1).filter(_ > 1).foldLeft(0)((p, q) => p + q)
    list map f
    val t = x.asInstanceOf[String]
    val u = new File("a") with Closeable { def close() = {} }
    throw new Exception("bad")
    a.b(0) = -c
    val raw = """raw "x" """
    val nums = (1, 2.5f, 'c', 'sym, true, null, ())
    val partial: PartialFunction[Int, Int] = { case 1 => 2 }
    import scala.sys.process._
    "ls".!
    this.toString; super.run()
    xs :+ 1; 1 :: Nil
  }
}
