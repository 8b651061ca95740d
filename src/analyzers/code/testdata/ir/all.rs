#![allow(dead_code)]
use std::collections::{HashMap, hash_map::Entry as Slot};
use std::io::*;
use crate::store;
pub use self::inner::Thing;
extern crate serde as s;
mod outer { pub fn f() {} }
mod elsewhere;
const LIMIT: usize = 10;
static mut COUNT: i32 = 0;
type Map<K> = HashMap<K, String>;
#[derive(Debug, Clone)]
#[serde(rename = "x")]
pub struct User<'a, T: Clone> where T: Copy { pub name: &'a str, age: Option<T> }
struct Point(i32, pub i32);
enum Shape { Circle { r: f64 }, Square(f64), Unit = 3 }
union U { a: u32 }
trait Area: Base { const N: i32; type Out; fn area(&self) -> f64; fn twice(&self) -> f64 { self.area() * 2.0 } }
impl<T> Area for User<'_, T> {
    type Out = i32;
    fn area(&self) -> f64 { 1.0 }
}
impl Point { pub async unsafe fn new(mut self, x: i32, &y: &i32, (a, b): (i32, i32)) -> Result<Self, Error> { Ok(Self(x, y)) } }
macro_rules! maximum { ($x:expr) => { $x }; }
fn run(args: &mut Vec<String>) -> i32 {
    let a = 1;
    let mut b: i32 = 2;
    let (c, Point(d, ..)) = pair;
    let Some(e) = opt else { return 1; };
    if a > 1 && !b { f(); } else if let Some(x) = y { g(x) } else { h() }
    while a < 3 { a += 1; }
    while let Some(t) = stack.pop() { continue; }
    for (i, v) in list.iter().enumerate() { println!("{} {}", i, v); }
    'outer: loop { break 'outer 5; }
    match a {
        0 | 1 => zero(),
        2..=5 if b > 1 => { mid() }
        Shape::Circle { r, .. } => r,
        Some(ref n @ 1) => n,
        _ => other(),
    }
    let f1 = |x: i32, y| x + y;
    let f2 = move || { async { 1 }.await };
    let s = "text" ; let r = r#"raw "x""# ; let c1 = 'c'; let by = b"x";
    let arr = [1, 2, 3]; let rep = [0u8; 16]; let tup = (1, 2.5, true); let unit = ();
    let st = User { name: "x", age, ..base };
    let p = Command::new("sh").arg("-c").arg(cmd).output()?;
    let v2 = Vec::<i32>::with_capacity(3);
    x.y.0[1] = *p & 3 | 4 ^ 5 << 1;
    let q = &mut z; let w = -a as u64; let rg = 1..n; let rn = ..=5;
    unsafe { *ptr = 1; std::mem::transmute::<u8, i8>(x) };
    vec![1, 2]; assert_eq!(a, b); format!("{}", q);
    if let Ok(k) = r && k > 1 { return k; }
    return a
}
