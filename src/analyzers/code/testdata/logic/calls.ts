function f(list: string[], promise: Promise<number>) {
  // ruleid: logic.callback-without-return
  const sizes = list.map((x) => {
    x.length;
  });
  // ok: an expression is returned
  const same = list.map((x) => x.length);
  // ok: returns in a branch
  const some = list.filter((x) => {
    if (x) return true;
    return false;
  });
  // ok: nobody takes what map gives
  list.map((x) => {
    keep(x);
  });
  // ok: waits for the callbacks
  const all = list.map(async (x) => {
    await keep(x);
  });
  // ruleid: logic.constant-comparison
  if (list.length >= 0) return sizes;
  // ok: is empty for an empty list
  if (list.length > 0) return same;
  return [some, all];
}

test('numbers', async () => {
  // ruleid: logic.assertion-not-called
  expect(number().minValue).toBeNull;
  // ok: called
  expect(number().minValue).toBeNull();
  // ruleid: logic.assertion-not-called
  expect(() => parse('x'));
  // ok: another library's property checks by being read
  expect(number()).to.be.true;
  // ruleid: logic.assertion-not-awaited
  expect(load()).rejects.toThrow();
  // ok: awaited
  await expect(load()).rejects.toThrow();
  // ok: the runner waits for what is returned
  return expect(load()).resolves.toBe(1);
});
