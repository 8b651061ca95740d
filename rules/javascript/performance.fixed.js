const axios = require('axios');
const { Pool } = require('pg');

async function page(id) {
  // ruleid: javascript.sequential-requests
  const user = await fetch(`/users/${id}`);
  const posts = await fetch(`/posts?user=${id}`);
  return [user, posts];
}

async function chained(id) {
  // ok: javascript.sequential-requests
  const owner = await fetch(`/owners/${id}`);
  const house = await fetch(`/houses/${owner.house}`);
  return house;
}

async function rows(id, User, Post) {
  // ruleid: javascript.sequential-requests
  const a = await User.findOne({ id });
  const b = await Post.findOne({ id });
  return [a, b];
}

async function chainedRows(id, User, Post) {
  // ok: javascript.sequential-requests
  const c = await User.findOne({ id });
  const d = await Post.findOne({ user: c.id });
  return d;
}

async function all(urls, until) {
  for (const url of urls) {
    // ruleid: javascript.request-in-loop
    await fetch(`${url}/info`);
  }
  for (const url of urls) {
    // ok: javascript.request-in-loop
    const response = await fetch(url);
    if (response.ok) return response;
  }
  while (until()) {
    // ok: javascript.request-in-loop
    await fetch('/state');
  }
}

function unique(list, other) {
  // ruleid: javascript.quadratic-dedupe
  const a = list.filter((x, i) => list.indexOf(x) === i);
  // ruleid: javascript.quadratic-dedupe
  const b = list.map(String).filter((x, i, all) => all.indexOf(x) === i);
  // ok: javascript.quadratic-dedupe
  const c = [...new Set(list)];
  // ok: javascript.quadratic-dedupe
  const d = list.filter((x, i) => other.indexOf(x) === i);
  return [a, b, c, d];
}

function collect(list) {
  const rows = [];
  let all = [];
  let map = {};
  for (const x of list) {
    // ruleid: javascript.copy-grows-in-loop
    all = [...all, x];
    // ruleid: javascript.copy-grows-in-loop
    map = { ...map, [x.id]: x };
    // ok: javascript.copy-grows-in-loop
    map[x.id] = { ...x, seen: true };
    rows.push(x);
    let options = {};
    // ok: javascript.copy-grows-in-loop
    options = { ...options, ...x.options };
  }
  // ok: javascript.copy-grows-in-loop
  all = [...all, 1];
  return [rows, all, map];
}

function show(element, list) {
  for (const x of list) {
    // ruleid: javascript.html-appended-in-loop
    element.innerHTML += row(x);
  }
  // ok: javascript.html-appended-in-loop
  element.innerHTML += '<hr>';
  // ruleid: javascript.formatter-in-loop
  const texts = list.map((x) => new Intl.NumberFormat('de').format(x));
  const format = new Intl.NumberFormat('de');
  // ok: javascript.formatter-in-loop
  return [texts, list.map((x) => format.format(x))];
}

function pick(list, id) {
  // ruleid: javascript.first-of-filter
  const one = list.find((x) => x.id === id);
  // ok: javascript.first-of-filter
  const two = list.filter((x) => x.id === id)[1];
  // ok: javascript.first-of-filter
  const three = list.find((x) => x.id === id);
  return [one, two, three];
}

app.get('/users', async (req, res) => {
  // ruleid: javascript.client-made-per-request
  const pool = new Pool();
  res.json(await pool.query('SELECT 1'));
});
// ok: javascript.client-made-per-request
const pool = new Pool();

app.get('/all', async (req, res) => {
  // ruleid: javascript.unbounded-query-to-client
  res.json(await User.find());
  const rows = await User.findAll();
  // ruleid: javascript.unbounded-query-to-client
  res.json({ ok: true, rows });
  const some = await User.findAll({ limit: 50 });
  // ok: javascript.unbounded-query-to-client
  res.json(some);
  // ok: javascript.unbounded-query-to-client
  res.json(await User.findOne({ id: 1 }));
});
