use std::env;
fn main() {
    // ruleid: rs-path
    let a = env::args();
    // ok: rs-path
    let b = other::args();
    // ruleid: rs-unsafe
    unsafe { go() }
    // ok: rs-unsafe
    { go() }
    // ruleid: rs-let
    let c = b.next().unwrap();
    // ok: rs-let
    let d = b.next().expect("one");
    // ruleid: rs-match
    match d { 1 => go(), _ => panic() }
    // ruleid: rs-macro
    panic!("never {}", c);
}
// ruleid: rs-function
fn named(id: i32, name: &str) -> bool { true }
// ok: rs-function
fn counted(id: i32) -> bool { true }
fn make() {
    // ruleid: rs-struct
    let o = Options { check: false, ..base };
    // ok: rs-struct
    let o = Options { check: true, ..base };
}
