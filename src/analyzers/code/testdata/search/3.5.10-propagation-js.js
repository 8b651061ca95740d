// ruleid: assignment-is-definition-js
const x = secret();
let y;
// ruleid: assignment-is-definition-js
y = secret();
// ok: assignment-is-definition-js
y += secret();
