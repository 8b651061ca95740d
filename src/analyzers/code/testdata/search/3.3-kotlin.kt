import java.io.File as Path
// ruleid: kt-function
fun run(id: Int, name: String): Int {
    // ruleid: kt-call
    val digest = MessageDigest.getInstance("MD5")
    // ok: kt-call
    val better = MessageDigest.getInstance("SHA-256")
    // ruleid: kt-property
    val cipher: Cipher = make()
    // ok: kt-property
    val other: Key = make()
    // ruleid: kt-lambda
    thread { go() }
    // ruleid: kt-import
    val f = Path("x")
    // ok: kt-import
    val g = Other("x")
    // ruleid: kt-template
    query("select $name")
    // ok: kt-template
    query("select 1")
    return 1
}
// ok: kt-function
fun stop(id: Int): Int { return 1 }
