import * as child_process from 'child_process';
import { spawn } from 'node:child_process';
import fs from 'fs';
import path from 'path';
import axios from 'axios';
import _ from 'lodash';
import DOMPurify from 'dompurify';

const cp = require('child_process');
const { exec, execFile } = require('node:child_process');
const { readFile } = require('fs');
const escapeHtml = require('escape-html');
const BACKEND = 'https://backend.example';

// --- SQL

app.get('/users', async (req, res) => {
  const name = req.query.name;
  // ruleid: javascript.request-to-sql
  await db.query("SELECT * FROM users WHERE name = '" + name + "'");
  const text = `SELECT * FROM users WHERE name = '${name}'`;
  // ruleid: javascript.request-to-sql
  await this.store.query(text);
  // ok: javascript.request-to-sql
  await db.query('SELECT * FROM users WHERE name = $1', [name]);
  // ok: javascript.request-to-sql
  await db.query({ text: 'SELECT * FROM users WHERE name = $1', values: [name] });
  // ok: javascript.request-to-sql
  await db.query(`SELECT * FROM users LIMIT ${Number(req.query.count)}`);
  // ok: javascript.request-to-sql
  await db.query('SELECT * FROM users WHERE name = ' + db.escape(name));
  // ok: javascript.request-to-sql
  await search.query(req.query);
  const order = req.query.order;
  if (!['name', 'age'].includes(order)) return res.sendStatus(400);
  // ok: javascript.request-to-sql
  await db.query('SELECT * FROM users ORDER BY ' + order);
  // ruleid: javascript.request-to-sql
  await knex('users').whereRaw('name = ' + req.body.name);
  // ruleid: javascript.request-to-sql
  await sequelize.query(`SELECT * FROM ${req.params.table}`);
});

function byName(name) {
  // ruleid: javascript.request-to-sql
  return pool.query("DELETE FROM users WHERE name = '" + name + "'");
}

router.delete('/users/:name', (req, res) => byName(req.params.name));

// --- documents

app.post('/login', async (req, res) => {
  // ruleid: javascript.request-to-nosql
  await User.find(req.query);
  // ruleid: javascript.request-to-nosql
  await User.findOne({ name: req.body.name, password: req.body.password });
  // ok: javascript.request-to-nosql
  await User.findOne({ name: req.body.name, password: String(req.body.password) });
  // ok: javascript.request-to-nosql
  await User.findOne({ id: req.params.id });
  // ok: javascript.request-to-nosql
  list.find((item) => item.id === req.query.id);
  // ok: javascript.request-to-nosql
  await User.find(schema.parse(req.query));
});

// --- commands

app.get('/ping', (req, res) => {
  const host = req.query.host;
  // ruleid: javascript.request-to-command
  child_process.exec('ping ' + host);
  // ruleid: javascript.request-to-command
  cp.execSync(`ping ${host}`);
  // ruleid: javascript.request-to-command
  exec('ping ' + host, done);
  // ruleid: javascript.request-to-command
  spawn(req.body.tool, ['-v']);
  // ruleid: javascript.request-to-command
  spawn('sh', ['-c', 'ping ' + host]);
  // ok: javascript.request-to-command
  execFile('ping', ['-c', '1', host]);
  // ok: javascript.request-to-command
  exec('ping -c ' + parseInt(req.query.count, 10) + ' localhost');
  // ok: javascript.request-to-command
  pattern.exec(host);
  if (!/^[a-z0-9.]+$/.test(host)) return;
  // ok: javascript.request-to-command
  exec('ping ' + host);
});

// --- files

app.get('/files/:name', (req, res) => {
  const file = path.join('/srv/files', req.query.name);
  // ruleid: javascript.request-to-path
  fs.readFile(file, done);
  // ruleid: javascript.request-to-path
  fs.createReadStream('/srv/files/' + req.query.name).pipe(res);
  // ruleid: javascript.request-to-path
  readFile(file, done);
  // ruleid: javascript.request-to-path
  res.sendFile('/srv/files/' + req.query.name);
  // ok: javascript.request-to-path
  res.sendFile(req.query.name, { root: '/srv/files' });
  // ok: javascript.request-to-path
  fs.readFile(path.join('/srv/files', path.basename(req.query.name)), done);
  const full = path.resolve('/srv/files', req.query.name);
  if (!full.startsWith('/srv/files/')) return res.sendStatus(404);
  // ok: javascript.request-to-path
  fs.readFile(full, done);
});

http.createServer((req, res) => {
  // ruleid: javascript.request-to-path
  fs.readFile('./public' + req.url, (error, data) => res.end(data));
});

// --- code

app.post('/run', (req, res) => {
  // ruleid: javascript.request-to-code
  const result = eval(req.body.formula);
  // ruleid: javascript.request-to-code
  const plugin = require('./plugins/' + req.body.plugin);
  // ok: javascript.request-to-code
  const data = JSON.parse(req.body.data);
  // ok: javascript.request-to-code
  const known = require(PLUGINS[req.body.plugin]);
  // ruleid: javascript.request-to-code
  return new Function('x', req.body.body)(1);
});

// --- pages

app.get('/hello', (req, res) => {
  const name = req.query.name;
  // ruleid: javascript.request-to-page
  res.write(`<p>${name}</p>`);
  // ruleid: javascript.request-to-page
  res.send('<b>Hello ' + name + '</b>');
  // ruleid: javascript.request-to-page
  res.send(req.query.name);
  // ok: javascript.request-to-page
  res.send('<b>Hello ' + escapeHtml(name) + '</b>');
  // ruleid: javascript.request-to-page
  res.send('Hello ' + name);
  // ruleid: javascript.request-to-page
  res.status(404).end(`no ${req.params.page} here`);
  // ok: javascript.request-to-page
  res.type('text').send('Hello ' + name);
  // ok: javascript.request-to-page
  res.send('Kept ' + req.body.items.length + ' items');
  // ok: javascript.request-to-page
  res.json({ hello: name });
  // ok: javascript.request-to-page
  res.send(findUser(name));
  // ok: javascript.request-to-page
  res.type('text/plain').send('<' + name + '>');
  // ok: javascript.request-to-page
  res.render('hello', { name });
});

router.get('/koa', async (ctx) => {
  // ruleid: javascript.request-to-page
  ctx.body = `<b>${ctx.query.name}</b>`;
  // ok: javascript.request-to-page
  ctx.body = { name: ctx.query.name };
});

// --- addresses

app.get('/login', (req, res) => {
  const next = req.query.next;
  // ruleid: javascript.request-to-redirect
  res.redirect(next);
  // ruleid: javascript.request-to-redirect
  res.redirect(302, req.body.target || '/');
  // ok: javascript.request-to-redirect
  res.redirect('/users/' + req.params.id);
  // ok: javascript.request-to-redirect
  res.redirect(`${BACKEND}/login?next=${next}`);
  // ok: javascript.request-to-redirect
  res.redirect('/login?next=' + encodeURIComponent(next));
  // ok: javascript.request-to-redirect
  res.redirect(req.query.kind === 'a' ? '/a' : '/b');
});

app.get('/proxy', async (req, res) => {
  const url = req.query.url;
  // ruleid: javascript.request-to-url
  await fetch(url);
  // ruleid: javascript.request-to-url
  await axios.get('http://' + req.query.host + '/status');
  // ok: javascript.request-to-url
  await fetch('https://api.example/items/' + url);
  // ok: javascript.request-to-url
  await fetch(`${BACKEND}/items/${req.params.id}`);
  // ok: javascript.request-to-url
  await axios.get('https://api.example/', { params: { q: url } });
  if (!HOSTS.includes(new URL(url).hostname)) return;
  // ok: javascript.request-to-url
  await fetch(url);
});

app.get('/search', (req, res) => {
  // ruleid: javascript.request-to-regex
  const search = new RegExp(req.query.q, 'i');
  // ok: javascript.request-to-regex
  const literal = new RegExp(_.escapeRegExp(req.query.q), 'i');
});

app.post('/settings', (req, res) => {
  const { section, key, value } = req.body;
  // ruleid: javascript.request-to-prototype
  settings[section][key] = value;
  // ruleid: javascript.request-to-prototype
  _.set(settings, req.body.path, value);
  // ok: javascript.request-to-prototype
  settings.user[key] = value;
  if (section === '__proto__') return;
  // ok: javascript.request-to-prototype
  settings[section][key] = value;
});

// --- in the browser

function show() {
  const query = new URLSearchParams(location.search);
  const name = query.get('name');
  // ruleid: javascript.url-to-html
  title.innerHTML = 'Hello ' + name;
  // ruleid: javascript.url-to-html
  document.write('<a href="' + document.referrer + '">back</a>');
  // ruleid: javascript.url-to-html
  list.insertAdjacentHTML('beforeend', `<li>${decodeURIComponent(location.hash.slice(1))}</li>`);
  // ok: javascript.url-to-html
  title.textContent = 'Hello ' + name;
  // ok: javascript.url-to-html
  title.innerHTML = DOMPurify.sanitize(name);
  // ok: javascript.url-to-html
  title.innerHTML = 'Page ' + Number(query.get('page'));
  // ruleid: javascript.url-to-code
  eval(location.hash.substring(1));
  // ok: javascript.url-to-code
  JSON.parse(decodeURIComponent(location.hash.substring(1)));
  // ruleid: javascript.url-to-location
  location.href = query.get('next');
  // ruleid: javascript.url-to-location
  window.location.assign(query.get('next'));
  // ok: javascript.url-to-location
  location.href = '/users?name=' + name;
  // ok: javascript.url-to-location
  location.href = location.pathname + location.search;
  // ok: javascript.url-to-location
  location.href = location.href;
}

window.addEventListener('message', (event) => {
  // ruleid: javascript.url-to-html
  panel.innerHTML = event.data.html;
  // ruleid: javascript.url-to-location
  window.location = event.data.url;
});

const Note = () => {
  const html = new URLSearchParams(window.location.search).get('note');
  // ruleid: javascript.url-to-html
  const note = <p dangerouslySetInnerHTML={{ __html: html }} />;
  // ok: javascript.url-to-html
  const clean = <p dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(html) }} />;
  return note;
};
