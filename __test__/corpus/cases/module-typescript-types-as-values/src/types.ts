export interface Repository { find(): string }
export type Id = string;
export class Clock { now = 1; }
