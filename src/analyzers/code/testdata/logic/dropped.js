function f(text, event, a, b) {
  // ruleid: logic.exception-not-thrown
  if (!text) new TypeError('no text');
  // ok: passed on
  if (!b) fail(new TypeError('no b'));
  // ruleid: logic.comparison-dropped
  a === b;
  // ok: assigned
  a = b;
  // ruleid: logic.result-dropped
  text.trim();
  // ok: of the page
  location.replace('/a', 'b');
  // ruleid: logic.method-not-called
  event.preventDefault;
  // ok: called
  event.preventDefault();
  // ok: that it throws is the test
  expect(() => { a == b; }).toThrow();
  return a;
}
