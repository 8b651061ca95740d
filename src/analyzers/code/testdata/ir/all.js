#!/usr/bin/env node
'use strict';
import def, { a as b, c } from './mod';
import * as ns from "pkg";
import 'side-effect';
export { x, y as z } from './re';
export * from './all';
export { local };
export default class Foo extends Bar {
  static count = 0;
  #secret;
  constructor(x, { y, z: w = 2 }, ...rest) { super(x); this.#secret = y; }
  get value() { return this.#secret; }
  static async *gen() { yield* other(); }
}
export const one = 1, two = `a ${one + 1} b`;
function f(a = 1, [p, q] = []) {
  if (a === 1 && !p || q) return; else if (a) { g?.(a, ...q); } else a++;
  for (let i = 0; i < 10; i += 1) { if (i) continue; break; }
  for (const k in obj) {}
  for await (const v of list) v();
  outer: while (true) { do { break outer; } while (x); }
  switch (a) { case 1: case 2: one(); break; default: two(); }
  try { risky(); } catch ({ message }) { throw new Error('x' + message); } finally { done(); }
  const h = async (x) => await x?.y[0] ?? null, r = /ab+c/gi;
  var o = { a, 'b': 2, [c]: 3, m() { return 1; }, ...rest };
  delete o.a, typeof o, void 0;
  x ||= y ? 1 : 2;
  const el = <div className="a" {...props}>text {value} <B.C on={() => 1} /></div>;
  const old = require('old');
}
