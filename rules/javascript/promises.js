const fs = require('fs');
const axios = require('axios');

async function isAllowed(user) {
  return (await rights(user)).length > 0;
}
const exists = async (name) => {
  return await lookup(name);
};

async function open(user, name) {
  // ruleid: javascript.promise-as-condition
  if (isAllowed(user)) {
    serve(name);
  }
  // ruleid: javascript.promise-as-condition
  if (!exists(name)) return;
  // ruleid: javascript.promise-as-condition
  const label = isAllowed(user) ? 'yes' : 'no';
  // ok: javascript.promise-as-condition
  if (await isAllowed(user)) serve(name);
  // ok: javascript.promise-as-condition
  if (user.isAllowed(name)) serve(name);
  return label;
}

class Store {
  async has(key) {
    return (await this.load(key)) !== undefined;
  }
  use(key) {
    // ruleid: javascript.promise-as-condition
    if (this.has(key)) return 1;
    // ok: javascript.promise-as-condition
    if (this.map.has(key)) return 2;
    return 0;
  }
}

async function convert(files, text) {
  // ruleid: javascript.await-of-array
  await files.map(async (file) => {
    await shrink(file);
  });
  // ruleid: javascript.await-of-array
  const done = await files.map(async (file) => shrink(file));
  // ok: javascript.await-of-array
  await Promise.all(files.map(async (file) => shrink(file)));
  // ok: javascript.await-of-array
  await files.map((file) => file.name);
  // ruleid: javascript.async-comparator
  files.sort(async (a, b) => (await size(a)) - (await size(b)));
  // ok: javascript.async-comparator
  files.sort((a, b) => a.size - b.size);
  // ruleid: javascript.async-comparator
  return text.replace(/\w+/g, async (word) => await translate(word));
}

async function both() {
  // ruleid: javascript.await-inside-promise-all
  const [a, b] = await Promise.all([await one(), await two()]);
  // ok: javascript.await-inside-promise-all
  const [c, d] = await Promise.all([one(), two()]);
  // ok: javascript.await-inside-promise-all
  await Promise.all([await one(), start()]);
  return [a, b, c, d];
}

async function read(name) {
  return parse(await fs.promises.readFile(name));
}

async function readOrNothing(name) {
  try {
    // ruleid: javascript.rejection-escapes-try
    return read(name);
  } catch (error) {
    return null;
  }
}

async function readOrNothingWell(name) {
  try {
    // ok: javascript.rejection-escapes-try
    return await read(name);
  } catch (error) {
    // ok: javascript.rejection-escapes-try
    return read('default');
  }
}

async function readOutside(name) {
  // ok: javascript.rejection-escapes-try
  return read(name);
}

function refresh() {
  draw();
}
function later() {
  return () => draw();
}
// ruleid: javascript.timer-function-called
setInterval(refresh(), 1000);
// ok: javascript.timer-function-called
setInterval(refresh, 1000);
// ok: javascript.timer-function-called
setInterval(() => refresh(), 1000);
// ok: javascript.timer-function-called
setTimeout(later(), 1000);

// ruleid: javascript.callback-error-unread
fs.readFile('a', 'utf8', (err, data) => {
  show(data);
});
// ok: javascript.callback-error-unread
fs.readFile('a', 'utf8', (err, data) => {
  if (err) return fail(err);
  show(data);
});
// ok: javascript.callback-error-unread
fs.readFile('a', 'utf8', (err, data) => {
  show(err ? '' : data);
});
// ok: javascript.callback-error-unread
fs.stat('a', (err, stats) => done(err, stats));

function download(req, res, name) {
  // ruleid: javascript.pipe-without-error-handler
  fs.createReadStream(name).pipe(res);
  const file = fs.createReadStream(name);
  file.on('error', (error) => res.destroy(error));
  // ok: javascript.pipe-without-error-handler
  file.pipe(res);
  const other = fs.createReadStream(name);
  // ruleid: javascript.pipe-without-error-handler
  other.pipe(res);
  // ok: javascript.pipe-without-error-handler
  pipeline(fs.createReadStream(name), res, done);
}

function stop(element) {
  // ruleid: javascript.listener-never-removed
  element.removeEventListener('click', this.onClick.bind(this));
  // ruleid: javascript.listener-never-removed
  element.removeEventListener('click', () => this.onClick());
  // ok: javascript.listener-never-removed
  element.removeEventListener('click', this.onClick);
}

async function load(url) {
  const bare = await fetch(url);
  // ruleid: javascript.status-of-fetch-unchecked
  const first = await bare.json();
  const response = await fetch(url);
  if (!response.ok) throw new Error(response.statusText);
  // ok: javascript.status-of-fetch-unchecked
  const second = await response.json();
  // ruleid: javascript.status-of-fetch-unchecked
  const third = await fetch(url).then((r) => r.json());
  // ok: javascript.status-of-fetch-unchecked
  const fourth = await axios.get(url);
  const checked = await fetch(url);
  throwForStatus(checked);
  // ok: javascript.status-of-fetch-unchecked
  return [first, second, third, fourth, await checked.json()];
}
