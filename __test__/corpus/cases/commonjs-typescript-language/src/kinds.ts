export enum Level { Low, High = Low + 5, Text = 'text' as any }
export const enum Mode { On = 'on', Off = 'off' }
export declare const enum Ambient { A = 1 }
export namespace Tools {
  export const twice = (value: number) => value * 2;
  export namespace Deep { export let count = 1; export function grow() { count += 1; } }
}
export function make(kind: string) { return make.known[kind]; }
export namespace make { export const known: Record<string, number> = { a: 1 }; }
export class Box<T> { static count = 0; constructor(public readonly value: T, protected label?: string) { Box.count += 1; } }
export interface Box<T> { extra?: T }
export abstract class Base { abstract run(): void; declare readonly tag: string; }
