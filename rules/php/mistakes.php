<?php
// ruleid: php.position-as-truth
if (strpos($url, 'http')) { follow(); }
// ruleid: php.position-as-truth
$missing = strpos($url, 'http') == false;
// ok: php.position-as-truth
if (strpos($url, 'http') !== false) { follow(); }
// ok: php.position-as-truth
if (strpos($url, 'http') === 0) { follow(); }
// ok: php.position-as-truth
if (strpos($url, 'http') > 0) { follow(); }

// ruleid: php.assignment-as-condition
if ($state = 'done') { stop(); }
// ruleid: php.assignment-as-condition
if ($count = 0) { stop(); }
// ok: php.assignment-as-condition
if ($state == 'done') { stop(); }
// ok: php.assignment-as-condition
if ($row = next_row()) { use_row($row); }
// ok: php.assignment-as-condition
while ($line = fgets($file)) { use_row($line); }
