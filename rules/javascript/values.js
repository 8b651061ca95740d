function find(x, list, text, matrix) {
  // ruleid: javascript.in-on-list
  if (x in ['a', 'b', 'c']) return 1;
  // ok: javascript.in-on-list
  if (x in { a: 1, b: 2 }) return 2;
  // ok: javascript.in-on-list
  for (const y in ['a', 'b', 'c']) use(y);
  // ruleid: javascript.index-as-condition
  if (text.indexOf(x)) return 7;
  // ruleid: javascript.index-as-condition
  const kind = text.indexOf('a') ? 1 : 2;
  // ok: javascript.index-as-condition
  if (text.indexOf(x) !== -1) return 8;
  // ok: javascript.index-as-condition
  if (!text.indexOf('prefix')) return 9;
  // ok: javascript.index-as-condition
  if (~text.indexOf(x)) return 10;
  return kind;
}

function sort(list) {
  // ruleid: javascript.comparator-gives-boolean
  list.sort((a, b) => a.age > b.age);
  // ok: javascript.comparator-gives-boolean
  list.sort((a, b) => a.age - b.age);
  // ok: javascript.comparator-gives-boolean
  list.sort((a, b) => (a.age > b.age ? 1 : -1));
  // ruleid: javascript.biased-shuffle
  list.sort(() => Math.random() - 0.5);
  // ok: javascript.biased-shuffle
  list[Math.floor(Math.random() * list.length)];
}

function grid(n) {
  // ruleid: javascript.fill-shares-object
  const rows = new Array(n).fill([]);
  // ruleid: javascript.fill-shares-object
  const cells = Array(n).fill({ on: false });
  // ok: javascript.fill-shares-object
  const zeros = new Array(n).fill(0);
  // ok: javascript.fill-shares-object
  const fresh = Array.from({ length: n }, () => []);
  // ok: javascript.fill-shares-object
  const mapped = new Array(n).fill().map(() => ({}));
  return [rows, cells, zeros, fresh, mapped];
}

function sum(list) {
  // ruleid: javascript.reduce-of-nothing
  const most = list.filter((x) => x.ok).reduce((a, b) => (a.n > b.n ? a : b));
  // ok: javascript.reduce-of-nothing
  const all = list.filter((x) => x.ok).reduce((a, b) => a + b.n, 0);
  return [most, all];
}

const WORD = /\w+/g;
const FIRST = /\w+/;
const WALK = /\d+/g;
function isWord(text) {
  // ruleid: javascript.shared-regex-keeps-place
  return WORD.test(text);
}
function isFirst(text) {
  // ok: javascript.shared-regex-keeps-place
  return FIRST.test(text);
}
function words(text) {
  // ok: javascript.shared-regex-keeps-place
  return text.match(WORD);
}
function numbers(text) {
  let n = 0;
  // ok: javascript.shared-regex-keeps-place
  while (WALK.test(text)) n += 1;
  return n;
}
function once(text) {
  const re = /a/g;
  // ok: javascript.shared-regex-keeps-place
  return re.test(text);
}

function day(date) {
  // ruleid: javascript.month-counted-from-zero
  const a = `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
  // ok: javascript.month-counted-from-zero
  const b = `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
  // ruleid: javascript.month-counted-from-zero
  const c = date.getFullYear() + '/' + date.getMonth() + '/' + date.getDate();
  // ok: javascript.month-counted-from-zero
  const d = date.getFullYear() + '/' + MONTHS[date.getMonth()];
  return [a, b, c, d];
}

function fail(kind, error) {
  // ruleid: javascript.text-thrown
  if (kind === 1) throw 'no such thing';
  // ruleid: javascript.text-thrown
  if (kind === 2) throw 'no such ' + kind;
  // ok: javascript.text-thrown
  if (kind === 3) throw new Error('no such thing');
  // ok: javascript.text-thrown
  throw error;
}

// ruleid: javascript.regex-backtracks
const slow = /^(\w+\s?)*$/;
// ruleid: javascript.regex-backtracks
const nested = new RegExp('(a+)+b');
// ok: javascript.regex-backtracks
const plain = /^\w+(\s\w+)*$/;
// ok: javascript.regex-backtracks
const lines = /<b>(.|[\r\n])*<\/b>/;
// ok: javascript.regex-backtracks
const separated = /^([a-z]+,)*$/;
