export enum Kind { A = 'a' }
export interface Shape { port: string }
