export interface Repository { find(): string }
export type Id = string;
export const version = 1;
