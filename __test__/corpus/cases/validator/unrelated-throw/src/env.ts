export const level = process.env.LOG_LEVEL;
export const x = (undefined as any)?.y;
setTimeout(() => { throw new Error('boom'); }, 1);