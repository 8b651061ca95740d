use std::process::Command;
fn main() {
    // ruleid: rust.certificate-not-checked
    let a = reqwest::Client::builder().danger_accept_invalid_certs(true).build();
    // ok: rust.certificate-not-checked
    let b = reqwest::Client::builder().danger_accept_invalid_certs(false).build();

    // ruleid: rust.sql-built-from-values
    client.execute(&format!("delete from users where name = '{}'", name), &[]);
    // ok: rust.sql-built-from-values
    client.execute("delete from users where name = $1", &[&name]);
    // ok: rust.sql-built-from-values
    client.execute(&format!("create table {}", table), &[]);

    // ruleid: rust.shell-command-built-from-values
    let c = Command::new("sh").arg("-c").arg(format!("ls {}", dir)).output();
    // ok: rust.shell-command-built-from-values
    let d = Command::new("ls").arg(dir).output();

    // ruleid: rust.uninitialized-memory
    let e: [u8; 4] = unsafe { std::mem::uninitialized() };
    // ok: rust.uninitialized-memory
    let f: [u8; 4] = unsafe { std::mem::zeroed() };
}
