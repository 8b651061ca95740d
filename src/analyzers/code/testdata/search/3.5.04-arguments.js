// ruleid: record
make({b: 2, a: 1});
// ok: record
make({b: 2});
// ruleid: any-record
build({ b: 2 }, 1);
// ok: any-record
build(b, 1);
