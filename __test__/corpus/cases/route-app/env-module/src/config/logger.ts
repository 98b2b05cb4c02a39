export const logger = console;
