import { escape } from './lib/helpers';
const { createKey, exec: run } = require('crypto');
const { exec } = require('child_process');
// ruleid: required-member
createKey(1);
// ruleid: required-member
other.createKey(1);
// ruleid: required-module
exec('x');
// ok: required-module
run('x');
// ruleid: from-folder
escape(x);
// ok: from-folder
unescape(x);
import { sign as signed } from 'jws';
import { sign } from 'other';
// ruleid: module-by-name
signed(x);
// ok: module-by-name
sign(x);
