<?php
use Lib\Http\Client as Web;
// ruleid: php-call
query("select " . $name);
// ok: php-call
query("select 1");
// ruleid: php-call
QUERY($a . $b);
// ruleid: php-method
$db?->find(1, true);
// ok: php-method
$db->find();
// ruleid: php-static
$x = Store::load(1);
// ok: php-static
$x = Shop::load(1);
// ruleid: php-echo
echo $_GET['name'];
// ok: php-echo
echo $_POST['name'];
// ruleid: php-import
$client = new Web();
// ok: php-import
$client = new Other();
// ruleid: php-class
class A extends Base { private $x; public function run($a, int $b = 1) { return $a; } }
// ok: php-class
class B extends Other { public function run($a) { return $a; } }
// ruleid: php-array
$options = ['verify' => false, 'timeout' => 3];
// ok: php-array
$options = ['verify' => true, 'timeout' => 3];
// ruleid: php-interpolated
$text = "hello {$name}!";
// ok: php-interpolated
$text = 'hello {$name}!';
