// ruleid: any-grouping
if (a && (b && last)) { go(); }
// ok: any-grouping
if (last && a) { go(); }
// ruleid: rest-of-chain
check(a && b && c);
// ok: rest-of-chain
check(b && a);
// ruleid: flags-in-any-order
set(B | A);
// ruleid: flags-in-any-order
set(C | B | A);
// ok: flags-in-any-order
set(A | C);
// ruleid: equal-numbers
mode(0o755);
// ruleid: equal-numbers
mode(0x1ed);
// ok: equal-numbers
mode(755);
// ruleid: any-object
options({a: 1});
// ok: any-object
options([]);
// ruleid: same-branches
if (x) { f(); g(); } else { f(); g(); }
// ok: same-branches
if (x) { f(); g(); } else { f(); }
// ok: same-branches
if (x) {} else {}
// ruleid: only-empty-block
while (x) {}
// ok: only-empty-block
while (x) { f(); }
