const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const jwt = require('jsonwebtoken');
const cp = require('child_process');

async function find(db, req, name, table) {
  // ruleid: javascript.sql-injection
  await db.query(`SELECT * FROM users WHERE name = '${name}'`);
  // ruleid: javascript.sql-injection
  await db.query("DELETE FROM users WHERE name = '" + name + "'");
  const q = `UPDATE users SET name = '${name}' WHERE id = 1`;
  // ruleid: javascript.sql-injection
  await db.execute(q);
  // ok: javascript.sql-injection
  await db.query('SELECT * FROM users WHERE name = ?', [name]);
  // ok: javascript.sql-injection
  await db.query(`SELECT * FROM ${table}`);
}

function archive(file) {
  // ruleid: javascript.command-injection
  cp.exec(`tar czf out.tgz ${file}`);
  // ruleid: javascript.command-injection
  cp.execSync('rm -rf ' + file);
  // ok: javascript.command-injection
  cp.execFile('tar', ['czf', 'out.tgz', file]);
  // ok: javascript.command-injection
  cp.exec('ls | wc -l');
  // ok: javascript.command-injection
  /a+/.exec(`x ${file}`);
}

function calculate(req, code) {
  // ruleid: javascript.timer-with-text
  setTimeout('refresh(' + code + ')', 100);
  // ok: javascript.timer-with-text
  setTimeout(() => refresh(code), 100);
  // ok: javascript.timer-with-text
  setTimeout(refresh, 100);
}

function show(element, user, clean) {
  // ruleid: javascript.inner-html-from-value
  element.innerHTML = `<b>${user.name}</b>`;
  // ruleid: javascript.inner-html-from-value
  element.innerHTML = location.hash.slice(1);
  // ok: javascript.inner-html-from-value
  element.innerHTML =
    '<label for="build">Build: </label>' +
    '<select id="build"></select>';
  // ok: javascript.inner-html-from-value
  element.innerHTML = '';
  // ok: javascript.inner-html-from-value
  element.innerHTML = `<b>${escapeHtml(user.name)}</b>`;
  // ok: javascript.inner-html-from-value
  element.textContent = user.name;
}

app.get('/go', (req, res) => {
  // ruleid: javascript.cors-reflects-origin
  res.setHeader('Access-Control-Allow-Origin', req.headers.origin);
  // ok: javascript.cors-reflects-origin
  res.setHeader('Access-Control-Allow-Origin', 'https://example.com');
});

// ruleid: javascript.tls-verification-off
const agent = new https.Agent({ rejectUnauthorized: false });
// ok: javascript.tls-verification-off
const strict = new https.Agent({ rejectUnauthorized: true });
// ruleid: javascript.tls-verification-off
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

function tokens(claims, token, key, password, body) {
  // ruleid: javascript.jwt-not-verified
  jwt.verify(token, key, { algorithms: ['none'] });
  // ok: javascript.jwt-not-verified
  jwt.verify(token, key, { algorithms: ['HS256'] });
  // ruleid: javascript.hardcoded-jwt-key
  jwt.sign(claims, 'k3yb0ard');
  // ok: javascript.hardcoded-jwt-key
  jwt.sign(claims, process.env.JWT_KEY);
  // ruleid: javascript.predictable-token
  const resetToken = Math.random().toString(36).slice(2);
  // ok: javascript.predictable-token
  const delay = Math.random() * 1000;
  // ok: javascript.predictable-token
  const sessionId = crypto.randomUUID();
  // ruleid: javascript.weak-password-hash
  crypto.createHash('md5').update(password).digest('hex');
  // ok: javascript.weak-password-hash
  crypto.createHash('sha256').update(body).digest('hex');
  // ruleid: javascript.weak-cipher
  crypto.createCipheriv('aes-128-ecb', key, null);
  // ok: javascript.weak-cipher
  crypto.createCipheriv('aes-256-gcm', key, nonce);
}

// ruleid: javascript.prototype-pollution-loop
function merge(to, from) {
  for (const key in from) {
    if (typeof from[key] === 'object') {
      merge(to[key], from[key]);
    } else {
      to[key] = from[key];
    }
  }
}

// ok: javascript.prototype-pollution-loop
function mergeSafely(to, from) {
  for (const key in from) {
    if (key === '__proto__') {
      continue;
    }
    mergeSafely(to[key], from[key]);
  }
}

// ruleid: javascript.post-message-any-target
window.parent.postMessage({ token }, '*');
// ok: javascript.post-message-any-target
window.parent.postMessage({ token }, 'https://example.com');

app.use((err, req, res, next) => {
  // ruleid: javascript.stack-trace-to-client
  res.status(500).send(err.stack);
  // ruleid: javascript.stack-trace-to-client
  res.json({ message: 'failed', stack: err.stack });
  // ok: javascript.stack-trace-to-client
  console.error(err.stack);
  // ok: javascript.stack-trace-to-client
  res.status(500).send('failed');
});
