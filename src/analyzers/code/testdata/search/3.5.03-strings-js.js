// ruleid: template
show(`a${b}`);
// ruleid: template
show(`a`);
// ok: template
show("a");
class A {
  state = {};
  // ruleid: method-alone
  willRun(props) {
    this.go();
  }
  // ok: method-alone
  run() {}
}
// ruleid: unnamed-function
each((item) => {
  use(item);
});
// ruleid: unnamed-function
each(function named() {});
// ruleid: valued-attribute
x = <A link={f} other />;
// ok: valued-attribute
x = <A other={f} />;
// ruleid: not-a-tag
query(`select ${x}`);
// ok: not-a-tag
query`select ${x}`;
