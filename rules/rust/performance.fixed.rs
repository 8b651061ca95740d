use std::thread;
use std::fs;
use regex::Regex;
async fn work(path: &str) {
    // ruleid: rust.sleep-in-async
    thread::sleep(delay);
    // ok: rust.sleep-in-async
    tokio::time::sleep(delay).await;
    // ruleid: rust.file-read-in-async
    let a = fs::read_to_string(path);
    // ok: rust.file-read-in-async
    let b = tokio::fs::read_to_string(path).await;
}
fn plain(lines: &[String]) {
    // ok: rust.sleep-in-async
    thread::sleep(delay);
    // ok: rust.file-read-in-async
    let a = fs::read_to_string("x");
    for line in lines {
        // ruleid: rust.pattern-compiled-in-loop
        let re = Regex::new("^a+$").unwrap();
        // ruleid: rust.text-formatted-to-append
        out.push_str(&format!("{}\n", line));
        // ok: rust.text-formatted-to-append
        out.push_str(line);
    }
    // ok: rust.pattern-compiled-in-loop
    let re = Regex::new("^a+$").unwrap();
    // ruleid: rust.collected-to-count
    let n = lines.iter().map(|l| l.len()).count();
    // ok: rust.collected-to-count
    let n = lines.iter().count();
    // ruleid: rust.filter-then-next
    let first = lines.iter().find(|l| l.len() > 3);
    // ok: rust.filter-then-next
    let first = lines.iter().find(|l| l.len() > 3);
}
