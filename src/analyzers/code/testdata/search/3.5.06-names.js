import { exec as run } from 'child_process';
import other from 'other';
// ruleid: js-import
run('ls');
// ok: js-import
other.exec('ls');
import { exec as start } from 'node:child_process';
// ruleid: js-import
start('ls');
