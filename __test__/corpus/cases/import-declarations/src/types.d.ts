export interface Repository { find(): string }
