// ruleid: deep-statement
call_it();
// ruleid: deep-statement
const x = 1 + call_it();
// ok: deep-statement
call_other();
