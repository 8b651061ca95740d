const fs = require('fs');

function compare(x, list, other) {
  // ruleid: javascript.comparison-to-nan
  if (Number.isNaN(x)) return;
  // ok: javascript.comparison-to-nan
  if (Number.isNaN(x)) return;
  // ruleid: javascript.comparison-to-new-object
  if (list === []) return;
  // ok: javascript.comparison-to-new-object
  if (list.length === 0) return;
  // ruleid: javascript.typeof-unknown-name
  if (typeof x === 'strnig') return;
  // ruleid: javascript.typeof-unknown-name
  if (typeof x === 'array') return;
  // ok: javascript.typeof-unknown-name
  if (typeof x === 'string') return;
  // ruleid: javascript.comparison-with-itself
  if (x.size === x.size) return;
  // ok: javascript.comparison-with-itself
  if (x.size === other.size) return;
  // ok: javascript.comparison-with-itself
  if (x !== x) return;
  // ok: javascript.comparison-with-itself
  return x === x ? strict(x) : loose(x);
}

function close(handle) {
  // ruleid: javascript.return-in-finally
  try {
    handle.flush();
  } finally {
    handle.close();
    return true;
  }
}

function closeWell(handle) {
  // ok: javascript.return-in-finally
  try {
    return handle.flush();
  } finally {
    handle.close();
  }
}

async function load(urls, users, db, items) {
  // ruleid: javascript.async-in-for-each
  urls.forEach(async (url) => {
    await fetch(url);
  });
  // ok: javascript.async-in-for-each
  urls.forEach((url) => {
    start(url);
  });
  // ok: javascript.async-in-for-each
  await Promise.all(urls.map(async (url) => { await fetch(url); }));
  // ruleid: javascript.async-predicate
  const active = users.filter(async (user) => await isActive(user));
  // ok: javascript.async-predicate
  const known = users.filter((user) => isKnown(user));
  // ruleid: javascript.async-promise-executor
  const p = new Promise(async (resolve, reject) => {
    resolve(await fetch(urls[0]));
  });
  // ok: javascript.async-promise-executor
  const q = new Promise((resolve) => setTimeout(resolve, 100));
  const results = [];
  for (const url of urls) {
    // ruleid: javascript.await-in-loop
    results.push(await fetch(url));
  }
  // ok: javascript.await-in-loop
  results.push(await fetch(urls[0]));
  for (const user of users) {
    // ruleid: javascript.n-plus-one-query
    const account = await Account.findOne({ where: { user: user.id } });
    // ruleid: javascript.n-plus-one-query
    const rows = await db.query('SELECT * FROM orders WHERE user_id = ?', [user.id]);
    // ok: javascript.n-plus-one-query
    const name = users.find((u) => u.id === user.id);
  }
  // ok: javascript.n-plus-one-query
  const first = await Account.findOne({ where: { user: 1 } });
}

function numbers(texts, list) {
  // ruleid: javascript.array-sort-numbers
  texts.map(Number).sort();
  // ok: javascript.array-sort-numbers
  texts.map(Number).sort((a, b) => a - b);
  // ok: javascript.array-sort-numbers
  texts.sort();
  // ruleid: javascript.map-parse-int
  texts.map(Number);
  // ok: javascript.map-parse-int
  texts.map((t) => parseInt(t, 10));
  for (let i = 0; i < list.length; i++) {
    // ruleid: javascript.delete-array-element
    delete list[i];
    // ok: javascript.delete-array-element
    delete cache[i];
  }
  // ruleid: javascript.replace-only-first
  const safe = texts[0].replace('<', '&lt;');
  // ok: javascript.replace-only-first
  const line = texts[0].replace('{name}', 'Ann');
  // ok: javascript.replace-only-first
  const all = texts[0].replace(/</g, '&lt;');
}

app.get('/page', (req, res) => {
  // ruleid: javascript.sync-io-in-handler
  res.send(fs.readFileSync('page.html'));
});
// ok: javascript.sync-io-in-handler
const page = fs.readFileSync('page.html');

function collect(pairs, queue, words) {
  // ruleid: javascript.spread-in-reduce
  const map = pairs.reduce((acc, pair) => ({ ...acc, [pair.key]: pair.value }), {});
  // ok: javascript.spread-in-reduce
  const sum = pairs.reduce((acc, pair) => acc + pair.value, 0);
  queue.push(pairs);
  while (queue.length > 0) {
    // ruleid: javascript.shift-in-loop
    const next = queue.shift();
  }
  // ok: javascript.shift-in-loop
  const head = words.shift();
  for (const word of words) {
    // ruleid: javascript.regex-in-loop
    const vowels = new RegExp('[aeiou]', 'g');
    // ok: javascript.regex-in-loop
    const own = new RegExp(word);
    if (!kept) {
      // ok: javascript.regex-in-loop
      kept = new RegExp('[a-z]', 'u');
    }
    // ok: javascript.regex-in-loop
    other ??= new RegExp('[a-z]', 'u');
    // ruleid: javascript.json-deep-copy-in-loop
    const copy = JSON.parse(JSON.stringify(pairs));
    // ok: javascript.json-deep-copy-in-loop
    const parsed = JSON.parse(word);
  }
  // ok: javascript.json-deep-copy-in-loop
  const once = JSON.parse(JSON.stringify(pairs));
  // ok: javascript.regex-in-loop
  const digits = new RegExp('[0-9]+');
}
