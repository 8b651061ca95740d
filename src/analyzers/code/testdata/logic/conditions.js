function f(a, b, flags, map) {
  // ruleid: logic.constant-assigned-in-condition
  if (a = 5) return 1;
  // ok: says that it is meant
  if ((a = null)) return 1;
  // ok: what is read is tested
  while (a = next()) g(a);
  // ruleid: logic.precedence
  if (flags & 4 == 4) return 2;
  // ok: parentheses
  if ((flags & 4) == 4) return 2;
  // ruleid: logic.precedence
  if (!a in map) return 3;
  // ok: the test is negated
  if (!(a in map)) return 3;
  // ruleid: logic.precedence
  if (!a instanceof Map) return 3;
  // ruleid: logic.repeated-operand
  if (a === 'x' || a === 'x') return 4;
  // ok: what is called may change something
  if (take() && take()) return 4;
  // ruleid: logic.same-branches
  const text = b ? `${a}` : `${a}`;
  // ok: one has more
  const more = b ? `${a}` : `${a}!`;
  switch (a) {
    case 'one':
      return text;
    // ruleid: logic.repeated-case
    case 'one':
      return more;
    // ok: another
    case 'two':
      return 5;
  }
  // ok: a function each time
  if (g(a)) return 1;
  else if (g(a)) return 2;
  // ok: types differ
  return b ? 1 : '1';
}

function gives(a, b) {
  if (a > 3) {
    // ok: the other returns nothing
    if (b) return a;
    return;
  }
  // ruleid: logic.same-branches
  if (b) return a;
  return a;
}

function last(a) {
  // ok: the last one is what comes out
  const found = typeof a == 'object' && a && a.Object === Object && a;
  // ruleid: logic.repeated-operand
  const twice = found.left && found.left;
  // ruleid: logic.repeated-operand
  if (a && found && a) return twice;
}
