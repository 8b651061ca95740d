@file:JvmName("All")
package app.store
import java.util.*
import java.io.File as JFile
import kotlin.math.max

@Serializable
data class User<T : Any>(val name: String, private var age: Int = 1) : Base(name), Shape {
    companion object { val LIMIT = 10 }
    lateinit var late: String
    val full: String get() = name
    var count: Int = 0
        set(value) { field = value }
    init { check(age > 0) }
    constructor(id: Int) : this("x", id) { log(id) }
    override suspend fun <U> run(a: Int, vararg rest: String, f: (Int) -> Unit = {}): List<U>? where U : Any {
        return emptyList()
    }
    fun short(x: Int) = x * 2
    inner class Inner
}
interface Area : Base { fun area(): Double }
object Single : Area { override fun area() = 1.0 }
enum class Color(val rgb: Int) { RED(1), GREEN(2) }
typealias Names = Map<String, List<Int>>
fun String.extended(): Int = this.length
fun main(args: Array<String>) {
    val a: Int = 1
    var b = "text $a and ${a + 1}"
    val (c, d) = pair
    if (a > 1 && !flag) { f() } else if (a == 2) g() else { h() }
    val e = if (a > 1) 1 else 2
    when (a) {
        0, 1 -> zero()
        is String -> { text() }
        else -> other()
    }
    when { a > 1 -> f() }
    for (item in list) println(item)
    for ((k, v) in map) { continue }
    while (a < 3) { b += 1 }
    do { break } while (true)
    outer@ for (x in 1..10) { break@outer }
    try { risky() } catch (e: IOException) { log(e) } finally { done() }
    val n = obj?.prop?.call(1, name = a) { it + 1 }
    list.map { x, y -> x + y }.filter(fun(z: Int): Boolean { return z > 1 })
    val t = x as? String ?: throw IllegalStateException("bad")
    val u = x is String || y !in list
    a!!.b[0] = -c + d++
    val raw = """raw "x" $a"""
    val chars = 'c'; val num = 0xFFL; val fl = 1.5f; val nothing = null; val yes = true
    val ref = ::main; val cls = User::class.java
    val anon = object : Area { override fun area() = 2.0 }
    val r = 1 until 10 step 2
    run { return@run 5 }
    println(this.toString()); super.run()
    return
}
