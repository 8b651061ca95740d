// ruleid: deep-statement
call_it();
// ruleid: deep-statement
const x = 1 + call_it();
// ok: deep-statement
call_other();
// ruleid: any-for
for (let i = 0; i < 3; i++) { inner(); }
// ruleid: any-for
for (const x of xs) { inner(); }
// ok: any-for
for (const x of xs) { outer(); }
