const express = require('express');
const crypto = require('crypto');
const path = require('path');
const vm = require('node:vm');
const child_process = require('child_process');
const jwt = require('jsonwebtoken');
const bcrypt = require('bcrypt');
const multer = require('multer');
const libxmljs = require('libxmljs');
const yaml = require('js-yaml');
const nunjucks = require('nunjucks');
const Handlebars = require('handlebars');
const { Sequelize } = require('sequelize');
const { BrowserWindow } = require('electron');

app.get('/login', (req, res) => {
  // ruleid: javascript.cookie-readable-by-scripts
  res.cookie('sid', sid, { secure: true, httpOnly: false });
  // ok: javascript.cookie-readable-by-scripts
  res.cookie('sid', sid, { httpOnly: true });
  // ok: javascript.cookie-readable-by-scripts
  res.cookie('theme', theme, { maxAge: 1000 });
});

// ruleid: javascript.cookie-readable-by-scripts
app.use(session({ secret: key, cookie: { httpOnly: false } }));
// ok: javascript.cookie-readable-by-scripts
app.use(session({ secret: key, cookie: { secure: true } }));

function check(token, key) {
  // ruleid: javascript.jwt-expiry-ignored
  jwt.verify(token, key, { algorithms: ['HS256'], ignoreExpiration: true });
  // ok: javascript.jwt-expiry-ignored
  jwt.verify(token, key, { algorithms: ['HS256'], ignoreExpiration: false });
}

function signed(body, given, key) {
  const mac = crypto.createHmac('sha256', key).update(body).digest('hex');
  // ruleid: javascript.timing-unsafe-comparison
  if (given === mac) return true;
  // ruleid: javascript.timing-unsafe-comparison
  if (given !== crypto.createHmac('sha256', key).update(body).digest('base64')) return false;
  // ok: javascript.timing-unsafe-comparison
  return crypto.timingSafeEqual(Buffer.from(given), Buffer.from(mac));
}

function unchanged(body, etag) {
  const hash = crypto.createHash('sha256').update(body).digest('hex');
  // ok: javascript.timing-unsafe-comparison
  return etag === hash;
}

// ruleid: javascript.weak-signature-hash
const signer = crypto.createSign('RSA-SHA1');
// ruleid: javascript.weak-signature-hash
crypto.verify('md5', data, key, signature);
// ok: javascript.weak-signature-hash
crypto.createSign('RSA-SHA256');
// ok: javascript.weak-signature-hash
crypto.createHash('sha1');

// ruleid: javascript.cipher-without-iv
crypto.createCipher('aes-256-cbc', password);
// ok: javascript.cipher-without-iv
crypto.createCipheriv('aes-256-cbc', key, iv);

function encrypt(key, text, given) {
  const zero = Buffer.alloc(16);
  const fresh = Buffer.alloc(16);
  crypto.randomFillSync(fresh);
  // ruleid: javascript.constant-iv
  crypto.createCipheriv('aes-256-cbc', key, zero);
  // ruleid: javascript.constant-iv
  crypto.createCipheriv('aes-256-cbc', key, Buffer.from('0123456789abcdef'));
  // ruleid: javascript.constant-iv
  crypto.createCipheriv('aes-256-cbc', key, '0123456789abcdef');
  // ok: javascript.constant-iv
  crypto.createCipheriv('aes-256-gcm', key, crypto.randomBytes(12));
  // ok: javascript.constant-iv
  crypto.createCipheriv('aes-256-gcm', key, fresh);
  // ok: javascript.constant-iv
  crypto.createCipheriv('aes-256-ecb', key, '');
  // ok: javascript.constant-iv
  crypto.createDecipheriv('aes-256-gcm', key, Buffer.from(given, 'hex'));
}

// ruleid: javascript.short-key
crypto.generateKeyPairSync('rsa', { modulusLength: 1024 });
// ok: javascript.short-key
crypto.generateKeyPairSync('rsa', { modulusLength: 3072 });
// ok: javascript.short-key
crypto.generateKeyPairSync('rsa', { modulusLength: bits });

async function register(password, salt, rounds) {
  // ruleid: javascript.few-hash-rounds
  await bcrypt.hash(password, 5);
  // ok: javascript.few-hash-rounds
  await bcrypt.hash(password, 12);
  // ok: javascript.few-hash-rounds
  await bcrypt.hash(password, rounds);
  // ruleid: javascript.few-hash-rounds
  crypto.pbkdf2Sync(password, salt, 1000, 64, 'sha512');
  // ok: javascript.few-hash-rounds
  crypto.pbkdf2Sync(password, salt, 210000, 64, 'sha512');
}

// ruleid: javascript.own-folder-served
app.use(express.static(__dirname));
// ruleid: javascript.own-folder-served
app.use('/files', express.static('public', { dotfiles: 'allow' }));
// ok: javascript.own-folder-served
app.use(express.static(path.join(__dirname, 'public')));
// ok: javascript.own-folder-served
app.use(express.static('public', { dotfiles: 'ignore' }));

// ruleid: javascript.any-proxy-trusted
app.set('trust proxy', true);
// ok: javascript.any-proxy-trusted
app.set('trust proxy', 1);

app.post('/users', async (req, res) => {
  // ruleid: javascript.body-assigned-to-model
  await User.create(req.body);
  // ruleid: javascript.body-assigned-to-model
  await User.findByIdAndUpdate(req.params.id, req.body, { new: true });
  const account = new Account(req.body);
  // ruleid: javascript.body-assigned-to-model
  await account.save();
  // ruleid: javascript.body-assigned-to-model
  Object.assign(user, req.body);
  // ok: javascript.body-assigned-to-model
  await User.create({ name: req.body.name });
  // ok: javascript.body-assigned-to-model
  await userService.create(req.body);
  // ok: javascript.body-assigned-to-model
  Object.assign(settings, req.body);
});

function order(name, column) {
  // ruleid: javascript.sql-literal-from-values
  sequelize.literal(`name = '${name}'`);
  // ruleid: javascript.sql-literal-from-values
  Sequelize.literal("name = '" + name + "'");
  // ok: javascript.sql-literal-from-values
  sequelize.literal('count(*) desc');
  // ok: javascript.sql-literal-from-values
  sequelize.literal(`name = ${sequelize.escape(name)}`);
}

function filter(users, name) {
  // ruleid: javascript.mongo-where-from-value
  users.find({ active: true, $where: `this.name == '${name}'` });
  // ruleid: javascript.mongo-where-from-value
  users.find({ $where: "this.name == '" + name + "'" });
  // ok: javascript.mongo-where-from-value
  users.find({ $where: 'this.spent > this.limit' });
  // ok: javascript.mongo-where-from-value
  users.find({ where: `x ${name}` });
}

function run(text, context) {
  // ruleid: javascript.eval-of-value
  eval(text);
  // ruleid: javascript.eval-of-value
  window.eval('(' + text + ')');
  // ok: javascript.eval-of-value
  eval('1 + 1');
  // ok: javascript.eval-of-value
  eval(context.req.query.code);
  // ok: javascript.eval-of-value
  redis.eval(script, 1, key);
  // ruleid: javascript.vm-as-sandbox
  vm.runInNewContext(text, context);
  // ok: javascript.vm-as-sandbox
  vm.runInNewContext('x + 1', context);
}

const serialize = require('node-serialize');
// ruleid: javascript.unsafe-deserialization
serialize.unserialize(cookie);
// ruleid: javascript.unsafe-deserialization
yaml.load(text, { schema: yaml.DEFAULT_FULL_SCHEMA });
// ok: javascript.unsafe-deserialization
yaml.load(text);
// ok: javascript.unsafe-deserialization
JSON.parse(cookie);

// ruleid: javascript.xml-external-entities
libxmljs.parseXml(text, { noblanks: true, noent: true });
// ok: javascript.xml-external-entities
libxmljs.parseXml(text, { noblanks: true });

// ruleid: javascript.template-escaping-off
Handlebars.compile(text, { noEscape: true });
// ok: javascript.template-escaping-off
Handlebars.compile(text);
// ruleid: javascript.template-escaping-off
nunjucks.configure('views', { autoescape: false });
// ok: javascript.template-escaping-off
nunjucks.configure('views', { autoescape: true });

Handlebars.registerHelper('bold', (name) => {
  // ruleid: javascript.safe-string-from-value
  return new Handlebars.SafeString('<b>' + name + '</b>');
});
Handlebars.registerHelper('strong', (name) => {
  // ok: javascript.safe-string-from-value
  return new Handlebars.SafeString('<b>' + Handlebars.escapeExpression(name) + '</b>');
});
Handlebars.registerHelper('line', () => {
  // ok: javascript.safe-string-from-value
  return new Handlebars.SafeString('<hr>');
});

class Page {
  show(html) {
    // ruleid: javascript.angular-trusted-value
    this.a = this.sanitizer.bypassSecurityTrustHtml(html);
    // ok: javascript.angular-trusted-value
    this.b = this.sanitizer.bypassSecurityTrustHtml('<b>new</b>');
    // ok: javascript.angular-trusted-value
    this.c = this.sanitizer.bypassSecurityTrustHtml(sanitizeHtml(html));
    // ok: javascript.angular-trusted-value
    this.d = this.sanitizer.bypassSecurityTrustResourceUrl(URL.createObjectURL(this.blob));
  }
}

function list(name, i) {
  // ruleid: javascript.jquery-html-from-value
  $('#names').append('<li>' + name + '</li>');
  // ruleid: javascript.jquery-html-from-value
  $('#names').html(`<li>${name}</li>`);
  // ok: javascript.jquery-html-from-value
  $('#names').append('<li>' + escapeHtml(name) + '</li>');
  // ok: javascript.jquery-html-from-value
  $('#names').append($('<li>').text(name));
  // ok: javascript.jquery-html-from-value
  buffer.append('<li>' + name + '</li>');
}

// ruleid: javascript.message-origin-unchecked
window.addEventListener('message', (event) => {
  apply(event.data);
});
// ok: javascript.message-origin-unchecked
window.addEventListener('message', (event) => {
  if (event.origin !== location.origin) return;
  apply(event.data);
});
// ok: javascript.message-origin-unchecked
worker.addEventListener('message', (event) => {
  apply(event.data);
});
// ok: javascript.message-origin-unchecked
window.addEventListener('message', (event) => {
  count += 1;
});

// ruleid: javascript.electron-node-in-page
new BrowserWindow({ width: 800, webPreferences: { nodeIntegration: true } });
// ok: javascript.electron-node-in-page
new BrowserWindow({ webPreferences: { preload: path.join(__dirname, 'preload.js') } });

function start(args, name) {
  // ruleid: javascript.shell-option-with-values
  child_process.spawn('git', ['clone', name], { shell: true });
  // ruleid: javascript.shell-option-with-values
  child_process.spawn('npm', args, { stdio: 'inherit', shell: true });
  // ok: javascript.shell-option-with-values
  child_process.spawn('npm', ['run', 'build'], { shell: true });
  // ok: javascript.shell-option-with-values
  child_process.spawn('git', ['clone', name]);
}

function unpack(zip, folder) {
  for (const entry of zip.getEntries()) {
    // ruleid: javascript.archive-member-path
    write(path.join(folder, entry.entryName), entry.getData());
  }
  for (const entry of zip.getEntries()) {
    // ok: javascript.archive-member-path
    const target = path.resolve(folder, entry.entryName);
    if (!target.startsWith(folder + path.sep)) throw new Error('outside');
    write(target, entry.getData());
  }
  parser.on('entry', (entry) => {
    // ruleid: javascript.archive-member-path
    entry.pipe(output(path.join(folder, entry.path)));
  });
  // ok: javascript.archive-member-path
  return path.join(folder, file.path);
}

// ruleid: javascript.upload-without-limit
const upload = multer({ dest: 'uploads/' });
// ok: javascript.upload-without-limit
const small = multer({ dest: 'uploads/', limits: { fileSize: 1e6 } });
