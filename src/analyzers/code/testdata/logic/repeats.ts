const table = {
  a: 1,
  b: 2,
  // ruleid: logic.repeated-key
  'a': 3,
  // ok: what it is called is known at run time only
  [b]: 4,
  // ok: reads and writes one value
  get c() { return 1; },
  set c(value) { keep(value); },
};
// ok: what was spread is overwritten on purpose
const merged = { a: 1, ...table, a: 2 };

class Store {
  // ruleid: logic.redefined
  find(key: string) { return key; }
  // ok: one belongs to the class
  static size() { return 1; }
  size() { return 2; }
  // ok: overloads
  read(a: string): string;
  read(a: number): number;
  read(a: unknown) { return a; }
  find(key: string, other: string) { return other; }
  // ok: computed
  [Symbol.iterator]() { return 1; }
  [Symbol.asyncIterator]() { return 2; }
}

describe('store', () => {
  it('finds', () => {
    const store = new Store();
    store.put('a', 1);
    expect(store.find('a')).toBe(1);
  });
  // ruleid: logic.same-test-name
  it('finds', () => {
    const store = new Store();
    expect(store.find('b')).toBe(undefined);
  });
  // ruleid: logic.same-test
  it('finds nothing', () => {
    const store = new Store();
    store.put('a', 1);
    expect(store.find('a')).toBe(1);
  });
});
describe('cache', () => {
  // ok: what runs before differs
  it('finds', () => {
    const store = new Store();
    store.put('a', 1);
    expect(store.find('a')).toBe(1);
  });
  // ok: made for each
  for (const name of names) it(`finds ${name}`, () => check(name));
});
