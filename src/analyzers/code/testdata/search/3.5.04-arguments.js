// ruleid: record
make({b: 2, a: 1});
// ok: record
make({b: 2});
