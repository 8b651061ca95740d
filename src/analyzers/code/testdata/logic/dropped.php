<?php
function check($value) {
    // ruleid: logic.exception-not-thrown
    if ($value < 0) { new InvalidArgumentException('negative'); }
    // ok: thrown
    if ($value > 9) { throw new InvalidArgumentException('large'); }
    // ok: passed on
    report(new RuntimeException('passed on'));
    // ruleid: logic.comparison-dropped
    $value == 3;
}
