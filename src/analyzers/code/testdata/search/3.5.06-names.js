import { exec as run } from 'child_process';
import other from 'other';
// ruleid: js-import
run('ls');
// ok: js-import
other.exec('ls');
