<?php
// ruleid: php.request-in-command
system("ping " . $_GET['host']);
// ruleid: php.request-in-command
exec("convert {$_POST['file']} out.png", $lines);
// ok: php.request-in-command
system("ping " . escapeshellarg($_GET['host']));
// ok: php.request-in-command
system("uptime");
// ok: php.request-in-command
exec("kill " . (int) $_GET['pid']);

// ruleid: php.request-in-sql
mysqli_query($db, "select * from users where name = '" . $_POST['name'] . "'");
// ruleid: php.request-in-sql
$db->query("select * from users where id = {$_GET['id']}");
// ok: php.request-in-sql
$db->query("select * from users where id = " . intval($_GET['id']));
// ok: php.request-in-sql
$db->prepare("select * from users where id = ?")->execute([$_GET['id']]);

// ruleid: php.request-echoed
echo $_GET['name'];
// ruleid: php.request-echoed
echo "<p>" . $_POST['name'] . "</p>";
// ok: php.request-echoed
echo htmlspecialchars($_GET['name']);
// ok: php.request-echoed
echo "<p>" . htmlspecialchars($_POST['name']) . "</p>";
// ok: php.request-echoed
echo count($_POST);

// ruleid: php.request-included
include 'pages/' . $_GET['page'];
// ruleid: php.request-included
require_once($_GET['page'] . '.php');
// ok: php.request-included
include $pages[$_GET['page']];
// ok: php.request-included
include 'pages/' . basename($_GET['page']);

// ruleid: php.request-unserialized
$cart = unserialize(base64_decode($_COOKIE['cart']));
// ok: php.request-unserialized
$cart = unserialize($_COOKIE['cart'], ['allowed_classes' => false]);
// ok: php.request-unserialized
$cart = json_decode($_COOKIE['cart']);

// ruleid: php.request-evaluated
eval('$x = ' . $_GET['formula'] . ';');
// ok: php.request-evaluated
eval($template);

// ruleid: php.request-redirects
header("Location: " . $_GET['next']);
// ok: php.request-redirects
header("Location: /home");

// ruleid: php.request-extracted
extract($_POST);
// ok: php.request-extracted
extract($row);
// ok: php.request-extracted
extract($_POST, EXTR_SKIP);

// ruleid: php.upload-keeps-name
move_uploaded_file($_FILES['photo']['tmp_name'], 'uploads/' . basename($_FILES['photo']['name']));
// ok: php.upload-keeps-name
move_uploaded_file($_FILES['photo']['tmp_name'], 'uploads/' . bin2hex(random_bytes(16)) . '.jpg');
