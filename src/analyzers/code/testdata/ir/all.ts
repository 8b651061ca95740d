import type { T } from './types';
import { type U, V } from './v';
import fs = require('fs');
export abstract class Repo<K extends string = "a"> extends Base<K> implements IRepo, Other {
  private readonly items: Map<string, K[]> = new Map<string, K[]>();
  constructor(private name: string, public age?: number) { super(); }
  @log('x') protected async find(id: number): Promise<T | undefined> { return (this.items as any).get(id)!; }
  abstract size(): number;
}
export interface IRepo { id: string; load(x: number): void; }
enum Color { Red, Green = 'g' }
type Alias<X> = X & { a: string } | [number, string] | ((a: X) => void);
declare module 'm' { export function f(x: unknown): x is string; }
namespace N.S { export const a = 1; }
function assertOk(this: Window, v: unknown): asserts v is string { const y = <T>v satisfies T; }
