<?php
foreach ($ids as $id) {
    // ruleid: php.query-in-loop
    $rows[] = $db->query("select * from users where id = " . (int) $id);
    // ruleid: php.query-in-loop
    $user = User::find($id);
}
foreach ($statements as $statement) {
    // ok: php.query-in-loop
    $db->query($statement);
}
// ok: php.query-in-loop
$rows = $db->query("select * from users");

foreach ($pages as $page) {
    // ruleid: php.array-merge-in-loop
    $all = array_merge($all, load($page));
    // ok: php.array-merge-in-loop
    $page->options = array_merge($page->options, $defaults);
    // ok: php.array-merge-in-loop
    $parts[] = load($page);
}
// ok: php.array-merge-in-loop
$all = array_merge($all, $more);

foreach ($names as $name) {
    // ruleid: php.download-in-loop
    $texts[] = file_get_contents("https://example.org/users/" . $name);
    // ok: php.download-in-loop
    $files[] = file_get_contents(__DIR__ . "/" . $name);
}
