// ruleid: function-is-lambda
function a(x) { return x; }
// ruleid: function-is-lambda
const b = (x) => { return x; };
// ok: function-is-lambda
const c = (x) => { return 1; };
