<?php

function close($orders, $names)
{
    foreach ($orders as $order) {
        $order->open = false;
        // ruleid: php.saved-one-by-one
        $order->save();
        // ok: php.saved-one-by-one
        $order->touch();
    }
    foreach ($names as $name) {
        // ruleid: php.saved-one-by-one
        Tag::create(['name' => $name]);
    }
    // ok: php.saved-one-by-one
    $order->save();
    // ok: php.saved-one-by-one
    Tag::insert($names);
}

function numbers($name)
{
    // ruleid: php.rows-loaded-to-be-counted
    $all = count(Order::all());
    // ruleid: php.rows-loaded-to-be-counted
    $some = Order::where('name', $name)->get()->count();
    // ok: php.rows-loaded-to-be-counted
    $few = Order::where('name', $name)->count();
    // ruleid: php.filtered-in-memory
    $open = Order::all()->where('open', true);
    // ok: php.filtered-in-memory
    $late = Order::where('late', true)->get();
    return [$all, $some, $few, $open, $late];
}

function letters($text, $list)
{
    // ruleid: php.count-in-loop-condition
    for ($i = 0; $i < mb_strlen($text); $i++) {
        echo mb_substr($text, $i, 1);
    }
    // ok: php.count-in-loop-condition
    for ($i = 0; $i < count($list); $i++) {
        echo $list[$i];
    }
    // ok: php.count-in-loop-condition
    for ($i = 0, $n = mb_strlen($text); $i < $n; $i++) {
        echo $i;
    }
}

function index()
{
    // ruleid: php.unbounded-query-to-client
    return response()->json(Order::all());
}

function page()
{
    // ok: php.unbounded-query-to-client
    return response()->json(Order::paginate(50));
}

function find($text, $list)
{
    // ruleid: php.strpos-compared-to-true
    if (strpos($text, 'a') === true) {
        return 1;
    }
    // ok: php.strpos-compared-to-true
    if (strpos($text, 'a') !== false) {
        return 2;
    }
    // ruleid: php.in-array-loosely
    if (in_array($_GET['kind'], ['a', 'b'])) {
        return 3;
    }
    // ok: php.in-array-loosely
    if (in_array($_GET['kind'], ['a', 'b'], true)) {
        return 4;
    }
    // ruleid: php.regex-backtracks
    if (preg_match('/^(\w+\s?)*$/', $text)) {
        return 5;
    }
    // ok: php.regex-backtracks
    return preg_match('/^(\w+;)*$/', $text);
}
