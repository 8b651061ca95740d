<h1>Title</h1>
<?php
declare(strict_types=1);
namespace App\Service;
use Foo\Bar;
use Foo\Baz as Qux, Foo\Other;
use function Foo\helper;
use Lib\{One, Two as Second};
require_once 'config.php';
const LIMIT = 10;

#[Route('/x', methods: ['GET'])]
abstract class Store extends Base implements First, \Root\Second
{
    use Logs, Counts { Logs::write as protected put; }
    public const SIZE = 3;
    private static ?string $name = null;
    public int $count, $total = 2;
    public function __construct(private readonly Bar $bar, int|string $x = 1, &$ref, ...$rest) {}
    #[Pure]
    abstract protected function &find(array $q): ?self;
}
interface Shape extends A, B { public function area(): float; }
trait Logs { private $log = []; }
enum Suit: string { case Hearts = 'H'; const X = 1; public static function all() { return self::Hearts; } }

function gen(int $n, ?callable $f = null): iterable
{
    global $config;
    static $calls = 0;
    if ($n > 1) {
        yield $n => 2;
    } elseif ($n === 0 && !$f) {
        yield from other();
    } else if ($n <> 3) {
        return;
    } else {
        throw new \Exception("bad $n", 3);
    }
    for ($i = 0, $j = 1; $i < $n; $i++, --$j) { continue 2; }
    foreach ($list as $key => &$value): echo $key, $value; endforeach;
    foreach ($pairs as [$a, $b]) print $a;
    while (true) { break; }
    do { $n -= 1; } while ($n);
    switch ($n) {
        case 1:
        case 2:
            f();
            break;
        default:
            g();
    }
    try {
        risky();
    } catch (A | B $e) {
        log($e);
    } finally {
        done();
    }
    goto end;
    end:
    unset($a, $b['x']);
    exit(1);
}
$x = array('a' => 1, 2, ...$more);
list($a, , $b) = f();
['k' => $k] = $row;
$s = "plain" . 'single\'s' . "in {$x['a']} and $y[0] and $o->p ${z}";
$h = <<<EOT
Dear $name,
EOT;
$raw = <<<'EOT'
as is
EOT;
$out = `ls $dir`;
$fn = fn(int $v) => $v * 2;
$g = static function ($v) use ($x, &$y): int { return $v; };
$o?->p->{$dyn}->call(1, name: $x, ...$args);
Foo::bar(...);
parent::__construct();
$obj::$static[0] ??= Foo\Bar::CONST;
$c = $a ? $b : ($d ?: $e) ?? null;
$m = match (true) { $a, $b => 1, default => throw new E };
$t = (int) $x instanceof Foo;
$n = new class(1) extends Base { public $p; };
$q = clone $x;
@file($x) or die('no');
$$name = ${'other'};
$i = ~$a ** -2 <=> 3 % 1.5 << 2 xor true and FALSE;
$b = &$a;
$last = print('x');
include __DIR__ . '/x.php';
eval($code);
if ($html): ?>
  <p><?= $html ?></p>
<?php endif;
